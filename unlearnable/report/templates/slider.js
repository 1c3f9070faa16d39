for (const slider of document.querySelectorAll("input[data-compare]")) {
  const pictures = document.getElementById(slider.dataset.compare);
  slider.addEventListener("input", () => pictures.style.setProperty("--at", slider.value + "%"));
}
