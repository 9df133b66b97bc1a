"use strict";
(function () {
  var stored = JSON.parse(document.getElementById("data").textContent), graph = null;
  function each(selector, act) { document.querySelectorAll(selector).forEach(act); }

  document.getElementById("theme").addEventListener("click", function () {
    var root = document.documentElement, dark = window.matchMedia("(prefers-color-scheme: dark)").matches;
    var now = root.getAttribute("data-theme") || (dark ? "dark" : "light"), next = now === "dark" ? "light" : "dark";
    root.setAttribute("data-theme", next);
    try { localStorage.setItem("regraft-theme", next); } catch (error) { /* no storage on this page: it holds until it is closed */ }
  });

  /* Copy buttons. */
  function copy(text, button) {
    function done(good) {
      button.textContent = good ? "Copied" : "Select it";
      setTimeout(function () { button.textContent = "Copy"; }, 1600);
    }
    function byHand() {
      var area = document.createElement("textarea");
      area.value = text;
      area.setAttribute("readonly", "");
      area.className = "visually-hidden";
      document.body.appendChild(area);
      area.select();
      var good = false;
      try { good = document.execCommand("copy"); } catch (error) { good = false; }
      area.remove();
      button.focus();
      done(good);
    }
    if (navigator.clipboard) navigator.clipboard.writeText(text).then(function () { done(true); }, byHand);
    else byHand();
  }
  document.addEventListener("click", function (event) {
    var button = event.target.closest ? event.target.closest("button.copy") : null;
    if (!button) return;
    var source = button.dataset.copies ? document.getElementById(button.dataset.copies) : button.parentElement.querySelector("pre");
    copy(source.textContent.trim(), button);
  });

  /* Answers to choices become one command. */
  var answers = document.getElementById("answers");
  if (answers) {
    var selects = document.querySelectorAll("#choices .pick select");
    var update = function () {
      var given = [];
      selects.forEach(function (select) { if (select.value) given.push(select.value); });
      var code = answers.querySelector("code");
      code.textContent = "";
      [answers.dataset.front].concat(given, [answers.dataset.back]).join(" ").split(" ").forEach(function (word, i) {
        if (i) code.appendChild(document.createTextNode(" "));
        var part = code.appendChild(document.createElement("span"));
        part.className = "w";
        part.textContent = word;
      });
      document.getElementById("answered").textContent = given.length || "none yet";
    };
    selects.forEach(function (select) { select.addEventListener("change", update); });
    update();
  }

  /* The graph, and the list that takes its place without a script. */
  if (stored.graph) {
    document.getElementById("all-layers").open = false;
    graph = Graph(stored.graph, stored.checks);
  }

  /* The plot of the errors: the nearest tensor is named. */
  var plot = document.getElementById("plot");
  if (plot) {
    var field = plot.querySelector(".field"), cursor = document.getElementById("cursor"), says = document.getElementById("plot-says");
    var count = stored.checks.length, current = -1, show = document.getElementById("plot-open");
    var open = function () { if (graph && current >= 0) graph.open(stored.checks[current][1]); };
    show.addEventListener("click", open);
    var name = function (index) {
      current = Math.max(0, Math.min(count - 1, index));
      var check = stored.checks[current], x = (100 * (current + 0.5) / count) + "%";
      cursor.removeAttribute("visibility");
      show.hidden = !graph || check[1] < 0;
      cursor.setAttribute("x1", x);
      cursor.setAttribute("x2", x);
      says.textContent = check[0] + ": float64 " + check[2] + (check[4] ? " (limit " + check[4] + ")" : "") + ", float32 " + check[3] +
        (check[5] ? " (limit " + check[5] + ")" : "") + (check[6] ? ", passes" : ", DIFFERS") + (check[7] ? ". " + check[7] : "");
    };
    var under = function (event) {
      var box = field.getBoundingClientRect();
      name(Math.floor((event.clientX - box.left) / box.width * count));
    };
    plot.addEventListener("pointermove", under);
    plot.addEventListener("pointerdown", under);
    plot.addEventListener("focus", function () { if (current < 0 && plot.matches(":focus-visible")) name(0); });
    plot.addEventListener("dblclick", open);
    plot.addEventListener("keydown", function (event) {
      var step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageDown: 10, PageUp: -10 }[event.key];
      if (step) name(current + step);
      else if (event.key === "Home") name(0);
      else if (event.key === "End") name(count - 1);
      else if (event.key === "Enter") open();
      else return;
      event.preventDefault();
    });
  }

  /* The weight table. */
  var filter = document.getElementById("filter");
  if (filter) filter.addEventListener("input", function () {
    var words = filter.value.toLowerCase().split(/\s+/).filter(Boolean), shown = 0;
    each("#weight-table tbody", function (body) {
      var layer = body.rows[0].textContent.toLowerCase(), left = 0;
      Array.prototype.slice.call(body.rows, 1).forEach(function (row) {
        var text = layer + " " + row.textContent.toLowerCase();
        row.hidden = !words.every(function (word) { return text.indexOf(word) >= 0; });
        if (!row.hidden) left++;
      });
      body.hidden = left === 0;
      shown += left;
    });
    document.getElementById("filter-says").textContent = words.length ? shown + (shown === 1 ? " row" : " rows") : "";
  });

  /* Where the reader is. */
  if ("IntersectionObserver" in window) {
    var links = {};
    each("nav a", function (link) { links[link.getAttribute("href").slice(1)] = link; });
    var seen = new IntersectionObserver(function (entries) {
      entries.forEach(function (entry) {
        if (!entry.isIntersecting) return;
        each("nav a[aria-current]", function (link) { link.removeAttribute("aria-current"); });
        var link = links[entry.target.id];
        if (!link) return;
        link.setAttribute("aria-current", "true");
        link.parentElement.scrollLeft = link.offsetLeft - link.parentElement.offsetLeft - 40;
      });
    }, { rootMargin: "-15% 0px -75% 0px" });
    each("main > section", function (section) { seen.observe(section); });
  }
  window.addEventListener("beforeprint", function () { each("#choices details, #statistics details, #weights details", function (part) { part.open = true; }); });
})();
