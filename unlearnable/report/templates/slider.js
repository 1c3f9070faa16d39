for (const stage of document.querySelectorAll(".stage")) {
  const slider = stage.querySelector("input");
  slider.addEventListener("input", () => stage.style.setProperty("--at", slider.value + "%"));
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
