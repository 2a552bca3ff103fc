// Reloads the page, unless someone is using the form or reading a table, or does not see the page.
const seconds = Number(document.currentScript.dataset.seconds);
setInterval(() => {
  const used = document.querySelector("form :focus, details[open], .scroll:focus, a.exemplar:focus");
  if (!used && !document.hidden) location.reload();
}, seconds * 1000);
