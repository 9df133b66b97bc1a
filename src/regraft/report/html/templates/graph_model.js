"use strict";
/* What of the graph is visible: groups and nested models that are open show their members, closed ones are one node.
   data: layers [name, type, label, differs]; nodes [layer, call, shape, inputs, holder, outputs]; scopes by holder. */
function GraphModel(data) {
  var groups = {}, parents = {}, opened = new Set(), nextGroup = 0;

  function number(items, parent) {
    return items.map(function (item) {
      if (typeof item === "number") {
        var id = "n" + item, inner = data.scopes[item];
        parents[id] = parent;
        groups[id] = { id: id, node: item, items: inner ? number(inner, id) : null };
        return groups[id];
      }
      var own = "g" + nextGroup++;
      parents[own] = parent;
      var group = { id: own, kind: item[0], title: item[1], size: item[2], shape: item[3], label: item[4], bad: item[5] };
      groups[own] = group;
      group.items = number(item[6], own);
      return group;
    });
  }
  var top = number(data.scopes[-1] || [], null);

  function view() {
    var shown = [], clusters = [], by = {}, edges = new Map();
    function all(item, id) {
      if (item.node !== undefined) by[item.node] = id;
      (item.items || []).forEach(function (inner) { all(inner, id); });
    }
    function walk(items) {
      items.forEach(function (item) {
        if (item.items && opened.has(item.id)) {
          clusters.push(item);
          shown.push(item);
          walk(item.items);
        } else {
          shown.push(item);
          all(item, item.id);
        }
      });
    }
    walk(top);
    function source(node, index) {
      var tries = 0;
      while (by[node] === undefined && tries++ < 64) {
        var outputs = data.nodes[node][5];
        if (!outputs.length) return undefined;
        var next = outputs[Math.min(index, outputs.length - 1)];
        node = next[0]; index = next[1];
      }
      return by[node];
    }
    data.nodes.forEach(function (node, i) {
      if (by[i] === undefined) return;
      node[3].forEach(function (input) {
        var from = source(input[0], input[1]);
        if (from !== undefined && from !== by[i]) edges.set(from + ">" + by[i], [from, by[i]]);
      });
    });
    return { shown: shown, clusters: new Set(clusters), edges: Array.from(edges.values()) };
  }

  function fold(open) {
    opened.clear();
    if (open) Object.keys(groups).forEach(function (id) { if (groups[id].items) opened.add(id); });
  }
  function reveal(node) {
    for (var id = parents["n" + node]; id; id = parents[id]) opened.add(id);
  }
  return {
    view: view, fold: fold, reveal: reveal, groups: groups, parents: parents, opened: opened,
    nodeOfLayer: function (layer) { return data.nodes.findIndex(function (node) { return node[0] === layer; }); },
  };
}
