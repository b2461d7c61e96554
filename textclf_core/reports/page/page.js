"use strict";
// Texts from data go into the page as text nodes alone; its policy refuses anything else.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const make = (name, text = "", className = "") => {
    const element = document.createElement(name);
    element.textContent = text;
    if (className) element.className = className;
    return element;
  };
  document.documentElement.classList.add("js");

  // Tables: a click on a heading sorts, a second one turns the order round.
  const compare = (one, other) => {
    const [a, b] = [Number(one), Number(other)];
    return Number.isNaN(a) || Number.isNaN(b) ? one.localeCompare(other, undefined, { numeric: true }) : a - b;
  };
  const sortBy = (table, heading) => {
    const column = heading.cellIndex;
    const first = "largestFirst" in heading.dataset ? "descending" : "ascending";
    const turned = first === "descending" ? "ascending" : "descending";
    const order = heading.getAttribute("aria-sort") === first ? turned : first;
    all("th[aria-sort]", table).forEach((other) => other.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", order);
    const key = (row) => row.cells[column].dataset.key;
    const rows = [...table.tBodies[0].rows];
    const known = rows.filter((row) => key(row) !== "");
    known.sort((a, b) => (order === "ascending" ? 1 : -1) * compare(key(a), key(b)));
    table.tBodies[0].append(...known, ...rows.filter((row) => key(row) === ""));
  };
  all("table.sort").forEach((table) => {
    all("thead th", table).forEach((heading) => {
      heading.querySelector("button").addEventListener("click", () => sortBy(table, heading));
    });
  });

  all("input[data-filter]").forEach((input) => {
    const rows = [...document.getElementById(input.dataset.filter).tBodies[0].rows];
    const count = document.querySelector(`[data-count="${input.dataset.filter}"]`);
    const filter = () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      rows.forEach((row) => {
        const text = [...row.cells].map((cell) => cell.textContent).join(" ").toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
      });
      count.textContent = words.length ? `${rows.filter((row) => !row.hidden).length} of ${rows.length} shown` : "";
    };
    input.addEventListener("input", filter);
  });

  // Panels: one at a time.
  all("select[data-panels]").forEach((select) => {
    const show = () => {
      [...select.options].forEach((option) => {
        document.getElementById(option.value).hidden = option.value !== select.value;
      });
    };
    select.addEventListener("change", show);
    show();
  });

  // Points tell their values with the keyboard's focus, and under the pointer: the nearest does, since they overlap.
  const tip = document.getElementById("tip");
  const reach = 22;
  let highlighted = [];
  const hide = () => {
    tip.hidden = true;
    highlighted.forEach((point) => point.classList.remove("highlighted"));
    highlighted = [];
  };
  const tell = (points) => {
    hide();
    highlighted = points;
    points.forEach((point) => point.classList.add("highlighted"));
    tip.textContent = points.map((point) => point.getAttribute("aria-label")).join("\n");
    tip.hidden = false;
    const at = place(points[0]);
    const left = at.left + at.width / 2 - tip.offsetWidth / 2;
    tip.style.left = `${Math.max(6, Math.min(left, document.documentElement.clientWidth - tip.offsetWidth - 6))}px`;
    const above = at.top - tip.offsetHeight - 8;
    tip.style.top = `${above > 4 ? above : at.bottom + 8}px`;
  };
  const place = (point) => (point.querySelector(".dot") || point).getBoundingClientRect();
  const distance = (point, event) => {
    const at = place(point);
    const across = event.clientX - (at.left + at.width / 2);
    if (!point.querySelector(".dot")) return Math.abs(across) <= at.width / 2 ? 0 : reach + 1; // a bar
    return Math.hypot(across, event.clientY - (at.top + at.height / 2));
  };
  all(".chart").forEach((chart) => {
    const points = all(".point", chart);
    chart.addEventListener("pointermove", (event) => {
      const distances = points.map((point) => distance(point, event));
      const nearest = Math.min(...distances);
      if (nearest > reach) hide();
      else tell(points.filter((_, index) => distances[index] < nearest + 1));
    });
    chart.addEventListener("pointerleave", hide);
  });
  all(".point").forEach((point) => {
    point.querySelector("title").remove(); // the browser's own tip would come on top
    point.addEventListener("focus", () => tell([point]));
    point.addEventListener("blur", hide);
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  const scrolled = () => {
    const point = document.activeElement.closest(".point"); // the focus itself may have scrolled to it
    if (point) tell([point]);
    else hide();
  };
  document.addEventListener("scroll", scrolled, { passive: true });

  // Texts, a handful at a time.
  const atOnce = 5;
  all("[data-source]").forEach((place) => {
    const data = JSON.parse(document.getElementById(place.dataset.source).textContent);
    const predicted = (row, contender) => {
      const [label, percent, wrong] = data.texts[row][2][contender];
      const seeds = data.seeds[contender] > 1 ? `, wrong at ${wrong} of ${data.seeds[contender]} seeds` : "";
      return [data.labels[label], `${percent === 100 ? ">99" : percent}%${seeds}`, label === data.texts[row][1]];
    };
    const line = (row, contender, name) => {
      const [label, how, right] = predicted(row, contender);
      const item = make("p", "", "predicted");
      item.append(make("span", `${name} `), make("b", label, right ? "is-right" : "is-wrong"), ` ${how}`);
      return item;
    };
    const entry = (row, contenders) => {
      const [texts, truth] = data.texts[row];
      const item = make("li");
      texts.forEach((text, index) => {
        if (texts.length > 1) item.append(make("p", data.columns[index], "column"));
        const quote = make("blockquote", text || "(no text)");
        quote.dir = "auto";
        item.append(quote);
      });
      const facts = make("p", "true: ", "predicted");
      facts.append(make("b", data.labels[truth]), ` · test row ${row}`);
      item.append(facts);
      contenders.forEach((contender) => item.append(line(row, contender, `${data.contenders[contender]}:`)));
      if (data.contenders.length > contenders.length) {
        const more = make("details");
        more.append(make("summary", "what all say"));
        more.addEventListener("toggle", () => {
          if (more.children.length === 1) {
            data.contenders.forEach((name, index) => more.append(line(row, index, `${name}:`)));
          }
        });
        item.append(more);
      }
      return item;
    };
    const fill = (part, sentence, rows, contenders) => {
      part.querySelector("[data-role=count]").textContent = sentence;
      const list = part.querySelector("[data-role=texts]");
      const more = part.querySelector("[data-role=more]");
      const items = rows.map((row) => entry(row, contenders));
      list.replaceChildren(...items.splice(0, atOnce));
      more.hidden = !items.length;
      more.onclick = () => {
        const next = items.splice(0, atOnce);
        list.append(...next);
        more.hidden = !items.length;
        next[0].tabIndex = -1; // the focus goes on where the reader does, also when the button goes away
        next[0].focus();
      };
    };
    const texts = (count) => `${count.toLocaleString("en")} ${count === 1 ? "text" : "texts"}`;
    const shown = (rows, total) => (rows.length < total ? ` This page holds the first ${rows.length}.` : "");

    const mistakes = place.querySelector("[data-examples=mistakes]");
    const of = mistakes.querySelector("[data-role=of]");
    const showMistakes = () => {
      const [total, rows] = data.mistakes[of.value];
      const surest = total ? "; those it was surest of come first." : ".";
      fill(mistakes, `${data.contenders[of.value]} is wrong on ${texts(total)}${surest}${shown(rows, total)}`, rows, [Number(of.value)]);
    };
    of.addEventListener("change", showMistakes);
    showMistakes();

    const disagreements = place.querySelector("[data-examples=disagreements]");
    if (!disagreements) return;
    const [first, second, side] = ["first", "second", "side"].map((role) => disagreements.querySelector(`[data-role=${role}]`));
    second.selectedIndex = Number(second.dataset.at);
    const showDisagreements = () => {
      const [one, two] = [Number(first.value), Number(second.value)];
      if (one === two) return fill(disagreements, "Choose two different contenders.", [], []);
      const pair = data.pairs.find(([a, b]) => a === Math.min(one, two) && b === Math.max(one, two));
      const [firstRight, secondRight] = one < two ? [pair[2], pair[3]] : [pair[3], pair[2]];
      const is = (row, contender) => predicted(row, contender)[2];
      const wanted = {
        "": [firstRight + secondRight + pair[4], () => true],
        first: [firstRight, (row) => is(row, one)],
        second: [secondRight, (row) => is(row, two)],
        neither: [pair[4], (row) => !is(row, one) && !is(row, two)],
      }[side.value];
      const rows = pair[5].filter(wanted[1]);
      fill(
        disagreements,
        `They disagree on ${texts(firstRight + secondRight + pair[4])}: ${data.contenders[one]} is right on ${firstRight}, ` +
          `${data.contenders[two]} on ${secondRight}, neither on ${pair[4]}.${shown(rows, wanted[0])}`,
        rows,
        [one, two],
      );
    };
    [first, second, side].forEach((select) => select.addEventListener("change", showDisagreements));
    showDisagreements();
  });

  // On paper nothing can be unfolded.
  let folded = [];
  window.addEventListener("beforeprint", () => {
    folded = all("section > details:not([open])");
    folded.forEach((details) => { details.open = true; });
  });
  window.addEventListener("afterprint", () => folded.forEach((details) => { details.open = false; }));
})();
