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
      labels: names.map(name => `${name} (${signals[name].seeds} seeds)`),
      datasets: models.map(([key, label, colour]) => ({
        label, backgroundColor: colour, data: names.map(name => signals[name].concordance[key].mean),
      })),
    },
    options: { scales: { y: { min: 0.4, max: 0.8, title: { display: true, text: "concordance (Harrell's C)" } } } },
  });

  const line = (table, cells, className = '', tag = 'td') => {
    const row = table.insertRow();
    row.className = className;
    for (const cell of cells) {
      const made = document.createElement(tag);
      made.textContent = cell;
      row.append(made);
    }
  };
  const without = document.getElementById('without');
  const modalities = [...new Set(names.flatMap(name => Object.keys(signals[name].without ?? {})))];
  line(without, ['', ...modalities], '', 'th');
  for (const name of names)
    line(without, [name, ...modalities.map(modality => signals[name].without?.[modality]?.toFixed(3) ?? '')]);
  const table = document.getElementById('goals');
  line(table, ['', 'figure', 'wanted', ''], '', 'th');
  for (const goal of goals)
    line(table, [goal.goal, goal.figure.toFixed(3), goal.wanted, goal.met ? 'met' : 'not met'], goal.met ? '' : 'out');
})();
