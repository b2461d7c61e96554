"use strict";
// While the comparison runs: its state comes as events, and the page is loaded again when there are more results.
(() => {
  const part = document.getElementById("running");
  const status = part.querySelector("[data-live=status]");
  const cells = part.querySelector("[data-live=cells]");
  const tables = [...part.querySelectorAll("table.sort")];
  const remembered = "textclf-sorted";

  // The order that the reader has chosen is kept over loading.
  const sorted = JSON.parse(sessionStorage.getItem(remembered) || "{}");
  sessionStorage.removeItem(remembered);
  tables.forEach((table) => {
    const [name, order] = sorted[table.id] || [];
    const heading = [...table.tHead.rows[0].cells].find((cell) => cell.textContent === name);
    for (let click = 0; heading && click < 2 && heading.getAttribute("aria-sort") !== order; click += 1) {
      heading.querySelector("button").click();
    }
  });
  const load = () => {
    const orders = tables.map((table) => [table.id, table.querySelector("th[aria-sort]")]).filter(([, heading]) => heading);
    const named = orders.map(([id, heading]) => [id, [heading.textContent, heading.getAttribute("aria-sort")]]);
    sessionStorage.setItem(remembered, JSON.stringify(Object.fromEntries(named)));
    location.reload();
  };

  const events = new EventSource("events");
  events.onmessage = (event) => {
    const state = JSON.parse(event.data);
    if (state.number !== Number(part.dataset.number)) {
      events.close();
      load();
      return;
    }
    status.textContent = state.status;
    document.title = `${state.status} · textclf`;
    cells.replaceChildren(...state.cells.map((text) => {
      const item = document.createElement("li");
      item.textContent = text;
      return item;
    }));
  };
  events.onerror = () => { // the browser goes on trying
    status.textContent = part.dataset.lost;
    cells.replaceChildren();
  };
})();
