(function () {
  var root = document.documentElement;
  root.classList.add("js");
  try {
    var kept = localStorage.getItem("regraft-theme");
    if (kept === "light" || kept === "dark") root.setAttribute("data-theme", kept);
  } catch (error) { /* file:// may have no storage: the system's choice stays */ }
})();
