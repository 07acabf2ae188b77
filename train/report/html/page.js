// Optional: sorts tables, highlights the lines of a row in the charts, and adds copy buttons.
const value = cell => {
  const text = cell.textContent.trim().replace('−', '-').replace(/,/g, '');
  const number = parseFloat(text);
  return isNaN(number) ? text : number;
};
const before = (a, b) => {
  const x = typeof a === 'number', y = typeof b === 'number';
  return x && y ? a - b : x !== y ? (x ? -1 : 1) : 0;  // cells without a number come last
};
document.querySelectorAll('table.sortable').forEach(table => {
  const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.title = 'sort';
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener('click', () => {
      const up = head.getAttribute('aria-sort') !== 'ascending';
      heads.forEach(h => h.removeAttribute('aria-sort'));
      head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
      const order = (r, s) => {
        const a = value(r.cells[column]), b = value(s.cells[column]);
        if (column === 0 || (typeof a === 'string' && typeof b === 'string'))
          return (up ? 1 : -1) * String(a).localeCompare(String(b));
        return typeof a === typeof b && !up ? before(b, a) : before(a, b);
      };
      body.append(...[...body.rows].sort(order));
    });
  });
});
document.querySelectorAll('tr[data-row]').forEach(row => {
  const lines = [...document.querySelectorAll('svg.chart .line')]
    .filter(line => line.dataset.row === row.dataset.row);
  const show = on => lines.forEach(line => {
    line.closest('svg').classList.toggle('chosen', on);
    line.classList.toggle('here', on);
  });
  for (const event of ['mouseenter', 'focusin']) row.addEventListener(event, () => show(true));
  for (const event of ['mouseleave', 'focusout']) row.addEventListener(event, () => show(false));
});
if (navigator.clipboard) document.querySelectorAll('pre.copied').forEach(pre => {
  const text = pre.textContent, button = document.createElement('button');
  button.type = 'button';
  button.textContent = 'Copy';
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = 'Copied';
  });
  pre.append(button);
});
