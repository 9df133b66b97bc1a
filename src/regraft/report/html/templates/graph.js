"use strict";
/* Draws the graph, and the panel of the chosen layer. Text is set as text, never as HTML. */
function Graph(data, checks) {
  var MOST = 400, WIDTH = 240, HEIGHT = 50, HEAD = 26, MARK = 20;
  var canvas = document.getElementById("canvas"), panel = document.getElementById("panel");
  var says = document.getElementById("graph-says"), model = GraphModel(data);
  var scale = 1, chosen = null, active = null, elements = {}, order = [], size = [0, 0];

  function svg(name, attributes, parent) {
    var made = document.createElementNS("http://www.w3.org/2000/svg", name);
    Object.keys(attributes || {}).forEach(function (key) { made.setAttribute(key, attributes[key]); });
    if (parent) parent.appendChild(made);
    return made;
  }
  function html(name, className, text, parent) {
    var made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    if (parent) parent.appendChild(made);
    return made;
  }
  var ruler = document.createElement("canvas").getContext("2d"), family = getComputedStyle(document.body).fontFamily;
  function cut(text, room, font) {
    ruler.font = font + " " + family;
    var left = Math.ceil(text.length / 2), right = text.length - left, shown = text;
    while (ruler.measureText(shown).width > room && left > 2) {
      if (left > right) left--; else right--;
      shown = text.slice(0, left) + "…" + text.slice(text.length - right);
    }
    return shown;
  }
  function under(type, shape, room) {
    var shown = type;
    ruler.font = "400 11.5px " + family;
    for (var left = type.length - 1; ruler.measureText(shown + " · " + shape).width > room && left > 8; left--) shown = type.slice(0, left) + "…";
    return cut(shown + " · " + shape, room, "400 11.5px");
  }
  function about(item) {
    if (item.node === undefined) {
      return { title: item.title, type: item.size, shape: item.shape, label: item.label, bad: item.bad };
    }
    var node = data.nodes[item.node], layer = data.layers[node[0]];
    var title = item.title = layer[0].split("/").pop() || layer[0];
    return { title: node[1] ? title + " (call " + (node[1] + 1) + ")" : title, full: layer[0], type: layer[1], shape: node[2], label: layer[2], bad: layer[3] };
  }

  function layout(view) {
    var graph = new dagre.graphlib.Graph({ compound: view.clusters.size > 0 });
    graph.setGraph({ rankdir: "TB", nodesep: 22, ranksep: 26, marginx: 14, marginy: 14 });
    graph.setDefaultEdgeLabel(function () { return {}; });
    view.shown.forEach(function (item) {
      graph.setNode(item.id, view.clusters.has(item) ? {} : { width: WIDTH, height: HEIGHT });
    });
    if (view.clusters.size) view.shown.forEach(function (item) {
      for (var id = model.parents[item.id]; id; id = model.parents[id]) {
        if (model.opened.has(id) && graph.hasNode(id)) { graph.setParent(item.id, id); break; }
      }
    });
    view.edges.forEach(function (edge) { graph.setEdge(edge[0], edge[1]); });
    dagre.layout(graph);
    return graph;
  }

  function draw(focus) {
    var view = model.view(), leaves = view.shown.length - view.clusters.size;
    canvas.textContent = "";
    elements = {};
    order = view.shown.map(function (item) { return item.id; });
    if (leaves > MOST) { draw.list(view); return; }
    var graph;
    try { graph = layout(view); } catch (error) { draw.list(view); return; }
    var left = 1e9, right = -1e9, above = 1e9, below = -1e9;
    function holds(x, y, w, h) {
      left = Math.min(left, x - w); right = Math.max(right, x + w); above = Math.min(above, y - h); below = Math.max(below, y + h);
    }
    graph.nodes().forEach(function (id) {
      var place = graph.node(id);
      holds(place.x, place.y, place.width / 2, place.height / 2 + (model.opened.has(id) ? HEAD : 0));
    });
    graph.edges().forEach(function (edge) { graph.edge(edge).points.forEach(function (p) { holds(p.x, p.y, 0, 0); }); });
    size = [right - left + 32, below - above + 30];
    var root = svg("svg", { role: "group", "aria-label": "Graph of the model", viewBox: [left - 14, above - 14].concat(size).join(" ") });
    var defs = svg("defs", {}, root);
    var arrow = svg("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 9, markerHeight: 9, markerUnits: "userSpaceOnUse", orient: "auto" }, defs);
    svg("path", { "class": "arrow", d: "M0 .8 7.4 4 0 7.2z" }, arrow);
    var areas = svg("g", {}, root), lines = svg("g", { "aria-hidden": "true" }, root), boxes = svg("g", {}, root);
    graph.edges().forEach(function (edge) {
      var line = svg("path", { "class": "edge", d: curve(graph.edge(edge).points), "marker-end": "url(#arrow)" }, lines);
      line.setAttribute("data-from", edge.v);
      line.setAttribute("data-to", edge.w);
    });
    view.shown.forEach(function (item) {
      var place = graph.node(item.id);
      if (view.clusters.has(item)) cluster(item, place, areas, boxes);
      else node(item, place, boxes);
    });
    canvas.appendChild(root);
    zoom(scale);
    if (!elements[active]) active = order[0];
    roving();
    if (focus) point(focus);
    mark();
  }
  draw.list = function (view) {
    var list = html("ol", "members plain-list", undefined, canvas);
    html("p", "hint", "Too much to draw at once: as a list.", canvas);
    view.shown.forEach(function (item) {
      var seen = about(item), row = html("li", "", undefined, list);
      var button = html("button", "", seen.title + ", " + seen.type + ", " + seen.shape, row);
      button.type = "button";
      button.addEventListener("click", function () { act(item); });
    });
  };
  function curve(points) {
    var d = "M" + points[0].x.toFixed(1) + " " + points[0].y.toFixed(1);
    for (var i = 1; i < points.length - 1; i++) {
      var p = points[i], n = points[i + 1], last = i === points.length - 2;
      var x = last ? n.x : (p.x + n.x) / 2, y = last ? n.y : (p.y + n.y) / 2;
      d += "Q" + p.x.toFixed(1) + " " + p.y.toFixed(1) + " " + x.toFixed(1) + " " + y.toFixed(1);
    }
    return points.length < 3 ? d + "L" + points[1].x.toFixed(1) + " " + points[1].y.toFixed(1) : d;
  }
  function interactive(item, parent, className, label, expanded) {
    var group = svg("g", { "class": className, role: "button", tabindex: "-1", "aria-label": label, "data-id": item.id }, parent);
    if (expanded !== null) group.setAttribute("aria-expanded", String(expanded));
    group.addEventListener("click", function () { active = item.id; roving(); act(item); });
    group.addEventListener("keydown", function (event) { key(event, item); });
    group.addEventListener("focus", function () { active = item.id; roving(); });
    elements[item.id] = group;
    return group;
  }
  function node(item, place, parent) {
    var seen = about(item), x = place.x - WIDTH / 2, y = place.y - HEIGHT / 2, group = Boolean(item.items);
    var state = seen.bad ? "differs from Keras" : seen.label;
    var words = [seen.full || seen.title, seen.type, seen.shape, state, group ? "closed block" : ""].filter(Boolean).join(", ");
    var g = interactive(item, parent, "node " + seen.label + (seen.bad ? " bad" : ""), words, group ? false : null);
    if (group) {
      svg("rect", { "class": "back", x: x + 6, y: y + 6, width: WIDTH, height: HEIGHT, rx: 8 }, g);
      svg("rect", { "class": "back", x: x + 3, y: y + 3, width: WIDTH, height: HEIGHT, rx: 8 }, g);
    }
    svg("rect", { "class": "box", x: x, y: y, width: WIDTH, height: HEIGHT, rx: 8 }, g);
    svg("use", { href: "#s-" + (seen.bad ? "bad" : seen.label), x: x + 11, y: y + 12, width: 12, height: 12 }, g);
    var plain = !seen.bad && (seen.label === "proved");
    var room = WIDTH - MARK - 20, word = seen.bad ? "differs" : seen.label;
    text(g, x + MARK + 10, y + 22, cut(seen.title, room - (plain ? 0 : 8 * word.length), "600 12.5px"), "");
    text(g, x + MARK + 10, y + 39, under(seen.type, short(seen.shape), room), "sub");
    if (!plain) text(g, x + WIDTH - 10, y + 22, word, "word").setAttribute("text-anchor", "end");
    var full = svg("title", {}, g);
    full.textContent = words;
  }
  function cluster(item, place, areas, boxes) {
    var seen = about(item), x = place.x - place.width / 2, y = place.y - place.height / 2;
    var holder = svg("g", { "class": "cluster" }, areas);
    svg("rect", { "class": "area", x: x, y: y - HEAD + 8, width: place.width, height: place.height + HEAD - 8, rx: 10 }, holder);
    var g = interactive(item, boxes, "node cluster " + seen.label, [seen.full || seen.title, seen.type, "open block"].join(", "), true);
    var title = "−  " + cut(seen.title, place.width - 48, "600 12px");
    svg("rect", { "class": "box", x: x + 7, y: y - HEAD + 12, width: ruler.measureText(title).width + 14, height: HEAD - 8, rx: 6 }, g);
    text(g, x + 14, y - HEAD + 26, title, "");
  }
  function short(shape) { return shape.replace(/^\(batch, /, "(").replace(/[()]/g, "").split(", ").join("×").replace(/×?,$/, ""); }
  function text(parent, x, y, words, className) {
    var made = svg("text", { x: x, y: y }, parent);
    if (className) made.setAttribute("class", className);
    made.textContent = words;
    return made;
  }

  function key(event, item) {
    var step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key], at = order.indexOf(item.id);
    if (step) point(order[Math.max(0, Math.min(order.length - 1, at + step))]);
    else if (event.key === "Home") point(order[0]);
    else if (event.key === "End") point(order[order.length - 1]);
    else if (event.key === "Enter" || event.key === " ") act(item, true);
    else if (event.key === "Escape") back(item);
    else return;
    event.preventDefault();
  }
  function act(item, byKey) {
    if (item.items) toggle(item);
    else { choose(item.node); if (byKey) says.textContent = "Shown: " + about(item).title; }
  }
  function toggle(item) {
    var open = !model.opened.has(item.id);
    if (open) model.opened.add(item.id); else model.opened.delete(item.id);
    says.textContent = about(item).title + (open ? " opened" : " closed");
    draw(item.id);
    if (item.node !== undefined) show(item.node); else showGroup(item);
  }
  function members(item) {
    return (item.items || []).reduce(function (found, inner) {
      return found.concat(inner.node === undefined ? members(inner) : [inner]);
    }, []);
  }
  function showGroup(item) {
    var seen = about(item), inside = members(item);
    heading(seen.title, seen.type + " · " + seen.shape, function () { choose(null); point(item.id); });
    badge(seen.bad ? "bad" : seen.label, seen.bad ? "something in it differs from Keras" : seen.label);
    html("h4", "", "Layers", panel);
    var list = html("ol", "members", undefined, panel);
    inside.slice(0, 60).forEach(function (member) {
      var layer = about(member), row = html("li", "", undefined, list), button = html("button", "", layer.title, row);
      button.type = "button";
      html("span", "hint", " " + layer.type + (layer.label === "proved" ? "" : ", " + layer.label) + (layer.bad ? ", differs" : ""), row);
      button.addEventListener("click", function () { reveal(member.node); });
    });
    if (inside.length > 60) html("p", "hint", "and " + (inside.length - 60) + " more", panel);
  }
  function reveal(node) {
    model.reveal(node);
    draw();
    choose(node);
    point("n" + node);
  }
  function heading(title, sub, closed) {
    panel.textContent = "";
    var head = html("div", "panel-head", undefined, panel);
    html("h3", "mono", title, head);
    var close = html("button", "", "Close", head);
    close.type = "button";
    close.addEventListener("click", closed);
    html("p", "sub", sub, panel);
  }
  function back(item) {
    if (chosen !== null) { choose(null); return; }
    var holder = item.items && model.opened.has(item.id) ? item.id : model.parents[item.id];
    if (!holder) return;
    model.opened.delete(holder);
    says.textContent = "Closed";
    show(null);
    draw(holder);
  }
  function roving() {
    Object.keys(elements).forEach(function (id) { elements[id].setAttribute("tabindex", id === active ? "0" : "-1"); });
  }
  function point(id) {
    if (!elements[id]) return;
    active = id;
    roving();
    elements[id].focus({ preventScroll: true });
    into(elements[id]);
  }
  function into(element) {
    var box = element.getBoundingClientRect(), view = canvas.getBoundingClientRect(), room = 24;
    if (box.top < view.top + room) canvas.scrollTop -= view.top + room - box.top;
    if (box.bottom > view.bottom - room) canvas.scrollTop += box.bottom - view.bottom + room;
    if (box.left < view.left) canvas.scrollLeft -= view.left + room - box.left;
    if (box.right > view.right) canvas.scrollLeft += box.right - view.right + room;
    if (view.bottom < 60 || view.top > window.innerHeight - 60) canvas.scrollIntoView({ block: "nearest" });
  }
  function mark() {
    Object.keys(elements).forEach(function (id) {
      var yes = chosen !== null && id === "n" + chosen;
      elements[id].classList.toggle("chosen", yes);
      if (!model.groups[id].items) elements[id].setAttribute("aria-pressed", String(yes));
    });
    canvas.querySelectorAll(".edge").forEach(function (line) {
      var near = chosen !== null && (line.getAttribute("data-from") === "n" + chosen || line.getAttribute("data-to") === "n" + chosen);
      line.classList.toggle("near", near);
    });
  }
  function choose(node) { chosen = node; mark(); show(node); }

  function show(node) {
    if (node === null) {
      panel.textContent = "";
      html("p", "hint", "Choose a layer to see its settings, evidence, weights and errors.", panel);
      return;
    }
    var row = data.nodes[node], layer = data.layers[row[0]];
    heading(layer[0], layer[1] + " · " + row[2] + (row[1] ? " · call " + (row[1] + 1) : ""), function () { choose(null); point("n" + node); });
    badge(layer[3] ? "bad" : layer[2], layer[3] ? "differs from Keras" : layer[2]);
    clones("#layer-" + row[0] + " .body", "Settings");
    clones(".choice[data-layers~='" + row[0] + "']", "Evidence", function (copy) {
      copy.removeAttribute("id");
      copy.querySelectorAll(".pick, .more, .copy").forEach(function (part) { part.remove(); });
    });
    var own = checks.filter(function (check) { return check[1] === row[0]; });
    if (own.length) {
      html("h4", "", "Error against Keras, and its limit", panel);
      var list = html("dl", "settings", undefined, panel);
      own.slice(0, 24).forEach(function (check) {
        [["float64", 2, 4], ["float32", 3, 5]].forEach(function (kind) {
          var entry = html("div", "", undefined, list);
          html("dt", "", (own.length > 1 ? check[0] + " " : "") + kind[0], entry);
          html("dd", "", check[kind[1]] + (check[kind[2]] ? " of " + check[kind[2]] : "") + (check[6] ? "" : ", differs"), entry);
        });
        if (check[7]) html("p", "hint", check[7], panel);
      });
    }
    clones("figure[data-layer='" + row[0] + "']", "Predicted against stored means");
    var weights = document.querySelectorAll("#weight-table tbody[data-layer='" + row[0] + "'] tr:not(.of)");
    if (weights.length) {
      html("h4", "", "Weights", panel);
      var table = html("table", "weights", undefined, panel), body = html("tbody", "", undefined, table);
      weights.forEach(function (line) { var copy = line.cloneNode(true); copy.hidden = false; body.appendChild(copy); });
    }
    if (window.matchMedia("(max-width: 60rem)").matches) panel.scrollIntoView({ block: "nearest" });
  }
  function badge(mark, word) {
    var line = html("p", "label " + mark, undefined, panel);
    var picture = svg("svg", { "class": "glyph", width: 12, height: 12, "aria-hidden": "true" }, line);
    svg("use", { href: "#s-" + mark }, picture);
    line.appendChild(document.createTextNode(word));
  }
  function clones(selector, title, change) {
    var found = document.querySelectorAll(selector);
    if (!found.length) return;
    html("h4", "", title, panel);
    found.forEach(function (part) {
      var copy = part.cloneNode(true);
      if (change) change(copy);
      panel.appendChild(copy);
    });
  }

  function zoom(to) {
    scale = Math.max(0.2, Math.min(2, to));
    var root = canvas.querySelector("svg");
    if (!root) return;
    root.setAttribute("width", (size[0] * scale).toFixed(0));
    root.setAttribute("height", (size[1] * scale).toFixed(0));
  }
  function fitted() { return Math.max(0.55, Math.min(1, (canvas.clientWidth - 4) / size[0])); }

  document.querySelector("#drawing .tools").addEventListener("click", function (event) {
    var what = event.target.getAttribute("data-do");
    if (what === "fold" || what === "unfold") { model.fold(what === "unfold"); draw(); zoom(fitted()); }
    if (what === "in") zoom(scale * 1.2);
    if (what === "out") zoom(scale / 1.2);
    if (what === "fit") zoom(Math.min(fitted(), Math.max(0.2, (canvas.clientHeight - 4) / size[1])));
  });
  draw();
  zoom(fitted());
  canvas.scrollLeft = (canvas.scrollWidth - canvas.clientWidth) / 2;
  if (!Object.keys(model.groups).some(function (id) { return model.groups[id].items; })) {
    document.querySelectorAll("[data-do=fold], [data-do=unfold]").forEach(function (button) { button.remove(); });
  }
  return {
    open: function (layer) {
      var node = model.nodeOfLayer(layer);
      if (node < 0) return;
      document.getElementById("graph").scrollIntoView();
      reveal(node);
    },
  };
}
