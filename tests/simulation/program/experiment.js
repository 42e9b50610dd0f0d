'use strict';
(() => {
  const { signals, goals } = JSON.parse(document.getElementById('report').textContent);
  const names = Object.keys(signals);
  const models = [['truth', 'true risk', '#9aa7b4'], ['federated', 'network, federated', '#2a6fb0'],
    ['pooled', 'network, pooled', '#7a4fa3'], ['local_mean', 'network, single sites', '#c98a1b'],
    ['linear', 'linear model, federated', '#1f7a4d']];
  Chart.defaults.font.family = 'system-ui, sans-serif';
  Chart.defaults.animation = false;
  Chart.defaults.maintainAspectRatio = false;
  new Chart(document.querySelector('canvas'), {
    type: 'bar',
    data: {
      labels: names,
      datasets: models.map(([key, label, colour]) => ({
        label, backgroundColor: colour, data: names.map(name => signals[name].concordance[key].mean),
      })),
    },
    options: { scales: { y: { min: 0.4, max: 0.8, title: { display: true, text: "concordance (Harrell's C)" } } } },
  });

  const seeds = name => `${name} (${signals[name].seeds} ${signals[name].seeds === 1 ? 'seed' : 'seeds'})`;
  const figure = (value, digits = 3) => value === undefined ? '' : (Number(value.toFixed(digits)) || 0).toFixed(digits);
  // A row whose first cell says of what it is; the others are numbers but for `words`.
  const line = (table, cells, { head = false, className = '', words = [] } = {}) => {
    const row = table.insertRow();
    row.className = className;
    cells.forEach((cell, i) => {
      const made = document.createElement(head || i === 0 ? 'th' : 'td');
      if (head || i === 0) made.scope = head ? 'col' : 'row';
      if (i > 0 && !words.includes(i)) made.className = 'number';
      made.textContent = cell;
      row.append(made);
    });
  };
  const byModel = document.getElementById('models');
  line(byModel, ['', ...models.map(([, label]) => label)], { head: true });
  for (const name of names)
    line(byModel, [seeds(name), ...models.map(([key]) => {
      const { mean, sd } = signals[name].concordance[key];
      return `${figure(mean)} ± ${figure(sd)}`;
    })]);
  const without = document.getElementById('without');
  const modalities = [...new Set(names.flatMap(name => Object.keys(signals[name].without ?? {})))];
  line(without, ['', ...modalities], { head: true });
  for (const name of names)
    line(without, [name, ...modalities.map(modality => figure(signals[name].without?.[modality]))]);
  const table = document.getElementById('goals');
  line(table, ['', 'figure', 'wanted', ''], { head: true, words: [2, 3] });
  for (const goal of goals)
    line(table, [goal.goal, figure(goal.figure), goal.wanted, goal.met ? 'met' : 'not met'],
      { className: goal.met ? '' : 'out', words: [2, 3] });
})();
