(function () {
  "use strict";
  document.documentElement.classList.add("js");

  function all(selector, within) {
    return Array.prototype.slice.call((within || document).querySelectorAll(selector));
  }

  // --- the scheme: one choice for the whole page, kept in the address ---

  var select = document.getElementById("scheme");
  var views = all("[data-scheme]");

  function wanted() {
    var hash = location.hash.slice(1);
    if (hash.indexOf("=") < 0) { return { at: hash }; }
    var found = new URLSearchParams(hash);
    return { scheme: found.get("scheme") || "", at: found.get("at") || "" };
  }

  function address(scheme, at) {
    return "#scheme=" + encodeURIComponent(scheme) + (at ? "&at=" + encodeURIComponent(at) : "");
  }

  function show(scheme) {
    var known = select && all("option", select).some(function (option) { return option.value === scheme; });
    if (!known) { scheme = ""; }
    if (select) { select.value = scheme; }
    views.forEach(function (view) { view.hidden = view.dataset.scheme !== scheme; });
  }

  // What the reader looks at stays where it is while what stands above it changes.
  function steadily(change) {
    var seen = all("section").filter(function (part) { return part.getBoundingClientRect().bottom > 80; })[0];
    var before = seen ? seen.getBoundingClientRect().top : 0;
    change();
    if (!seen || before >= 0) { return; }
    window.scrollBy(0, seen.getBoundingClientRect().top - before);
    if (seen.getBoundingClientRect().bottom < 80) { seen.scrollIntoView(); }
  }

  function reach(id) {
    var target = id && document.getElementById(id);
    if (!target) { return; }
    for (var fold = target; fold; fold = fold.parentElement) {
      if (fold.tagName === "DETAILS") { fold.open = true; }
    }
    all(".reached").forEach(function (old) { old.classList.remove("reached"); });
    if (target.tagName === "DETAILS") { target.classList.add("reached"); }
    target.scrollIntoView();
  }

  function follow() {
    var found = wanted();
    if (found.scheme !== undefined) { steadily(function () { show(found.scheme); }); }
    reach(found.at);
  }

  if (select) {
    select.parentElement.hidden = false;
    select.addEventListener("change", function () { location.hash = address(select.value, ""); });
  }
  document.addEventListener("click", function (event) {
    var link = event.target.closest && event.target.closest('a[href^="#"]');
    if (!link) { return; }
    event.preventDefault();
    var to = address(select ? select.value : "", link.getAttribute("href").slice(1));
    if (location.hash === to) { follow(); } else { location.hash = to; }
  });
  window.addEventListener("hashchange", follow);
  show(wanted().scheme || "");
  reach(wanted().at);

  // --- tables: a click on a heading sorts, a second one turns the order, a third restores it ---

  var words = new Intl.Collator(document.documentElement.lang, { numeric: true });

  function figure(cell) {
    return parseFloat(cell.textContent.replace(/,/g, "").replace("\u2212", "-"));
  }

  function sorted(rows, column, numeric, sign) {
    var keyed = rows.map(function (row) {
      var cell = row.cells[column];
      return { row: row, key: numeric ? figure(cell) : cell.textContent.trim() };
    });
    keyed.sort(function (a, b) {
      if (!numeric) { return sign * words.compare(a.key, b.key); }
      if (isNaN(a.key) || isNaN(b.key)) { return isNaN(a.key) - isNaN(b.key); }
      return sign * (a.key - b.key);
    });
    return keyed.map(function (item) { return item.row; });
  }

  all("table.sortable").forEach(function (table) {
    var heads = all("thead th", table);
    var original = all("tbody tr", table);
    heads.forEach(function (head, column) {
      if (head.classList.contains("bar")) { return; }
      var button = document.createElement("button");
      button.type = "button";
      button.title = document.body.dataset.sort;
      while (head.firstChild) { button.appendChild(head.firstChild); }
      head.appendChild(button);
      button.addEventListener("click", function () {
        var numeric = head.classList.contains("n");
        var first = numeric ? "descending" : "ascending";
        var second = numeric ? "ascending" : "descending";
        var now = head.getAttribute("aria-sort");
        var next = now === first ? second : now === second ? null : first;
        heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
        if (next) { head.setAttribute("aria-sort", next); }
        var rows = next ? sorted(original, column, numeric, next === "ascending" ? 1 : -1) : original;
        var body = document.createDocumentFragment();
        rows.forEach(function (row) { body.appendChild(row); });
        table.tBodies[0].appendChild(body);
      });
    });
  });

  // --- folded codes: all at once, and open on paper ---

  var codes = all("details.code");
  function fold(open) {
    return function () { codes.forEach(function (code) { code.open = open; }); };
  }
  all(".buttons").forEach(function (buttons) { buttons.hidden = codes.length < 2; });
  document.getElementById("expand").addEventListener("click", fold(true));
  document.getElementById("collapse").addEventListener("click", fold(false));

  var opened = [];
  window.addEventListener("beforeprint", function () {
    opened = codes.filter(function (code) { return !code.open; });
    opened.forEach(function (code) { code.open = true; });
  });
  window.addEventListener("afterprint", function () {
    opened.forEach(function (code) { code.open = false; });
  });
})();
