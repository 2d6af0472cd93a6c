// What needs a script beyond htmx: copying a secret or a command. Everything else works without.
for (const button of document.querySelectorAll("[data-copy]")) {
  const field = document.getElementById(button.dataset.copy);
  const label = button.querySelector("span");
  if (!navigator.clipboard || !field) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    field.select?.();
    await navigator.clipboard.writeText(field.value ?? field.textContent);
    label.textContent = "Copied";
  });
}
