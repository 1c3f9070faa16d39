for (const stage of document.querySelectorAll(".stage")) {
  const slider = stage.querySelector("input"), button = stage.querySelector("button");
  const [whole, part] = stage.querySelectorAll(".compare");
  const show = () => stage.style.setProperty("--at", slider.value + "%");
  const enlarge = () => {
    const now = part.hidden;
    part.hidden = !now;
    whole.hidden = now;
    button.setAttribute("aria-pressed", now);
    (now ? part : whole).append(slider);
  };
  let x = 0, y = 0, value = slider.value;
  slider.addEventListener("input", show);
  slider.addEventListener("pointerdown", (event) => { x = event.clientX; y = event.clientY; value = slider.value; });
  slider.addEventListener("click", (event) => {
    if (Math.hypot(event.clientX - x, event.clientY - y) > 4) return;  // it was dragged
    slider.value = value;
    show();
    enlarge();
  });
  button.addEventListener("click", enlarge);
}
for (const button of document.querySelectorAll("button.copy")) {
  button.addEventListener("click", () => {
    const text = document.createElement("textarea");  // a page opened from disk may have no navigator.clipboard
    text.value = button.previousElementSibling.textContent;
    button.after(text);
    text.select();
    button.textContent = button.ariaLabel = document.execCommand("copy") ? "copied" : "not copied";
    text.remove();
    button.focus();
  });
}
