'use strict';
(() => {
  const report = JSON.parse(document.getElementById('report').textContent);
  const rounds = report.rounds ?? [];
  const concordance = report.concordance ?? {};
  const colours = ['#2a6fb0', '#c98a1b', '#b3372f', '#1f7a4d', '#7a4fa3'];
  const isNumber = value => typeof value === 'number' && Number.isFinite(value);

  Chart.defaults.font.family = 'system-ui, sans-serif';
  Chart.defaults.animation = false;
  Chart.defaults.maintainAspectRatio = false;
  Chart.defaults.plugins.legend.onClick = null;

  const element = (name, text, className) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  };
  const row = (cells, tag = 'td', className = '') => {
    const line = element('tr', undefined, className);
    cells.forEach((cell, i) => line.append(element(i > 0 ? tag : 'th', cell, i > 0 ? 'number' : '')));
    line.firstChild.scope = tag === 'td' ? 'row' : 'col';
    return line;
  };
  const place = (id, selector) => document.querySelector(`#${id} ${selector}`);
  const hide = id => { document.getElementById(id).hidden = true; };
  const axis = (title, options = {}) => ({ title: { display: true, text: title }, ...options });

  const figureText = figure => {
    if (!figure || !isNumber(figure.value)) return '';
    const interval = isNumber(figure.low) && isNumber(figure.high)
      ? ` [${figure.low.toFixed(3)}, ${figure.high.toFixed(3)}]` : '';
    return figure.value.toFixed(3) + interval + (isNumber(figure.events) ? `, ${figure.events}` : '');
  };

  function facts() {
    if (report.title) document.getElementById('title').textContent = report.title;
    const seconds = rounds.map(r => r.seconds).filter(isNumber).sort((a, b) => a - b);
    const parts = [`${rounds.length} rounds`];
    if (isNumber(report.patients)) parts.push(`${report.patients} patients`);
    if (seconds.length)
      parts.push(`${seconds[seconds.length >> 1].toFixed(2)} s a round (median), the longest ${seconds.at(-1).toFixed(2)} s`);
    if (report.plan_sha256) parts.push(`plan ${report.plan_sha256}`);
    document.getElementById('facts').textContent = parts.join(' · ');
    for (const remark of report.remarks ?? []) document.getElementById('remarks').append(element('p', remark));
  }

  // A table of figures by set of patients; `fill` writes its lines.
  function figureTable(id, figures, fill) {
    const sets = [['cross_validated', 'cross-validated'], ['outside', 'outside hospitals'], ['test', 'published test split']]
      .filter(([key]) => figures[key]);
    if (!sets.length) return hide(id);
    const table = element('table');
    table.append(row(['', ...sets.map(([, title]) => title)], 'th'));
    const line = (title, pick, inner) => {
      const cells = sets.map(([key]) => figureText(pick(figures[key])));
      if (cells.some(text => text)) table.append(row([title, ...cells], 'td', inner ? 'inner' : ''));
    };
    fill(line, group => [...new Set(sets.flatMap(([key]) => Object.keys(figures[key][group] ?? {})))]);
    place(id, '.scroll').append(table);
  }

  const concordanceTable = () => figureTable('concordance', concordance, (line, names) => {
    line('federated', set => set.federated);
    line('pooled: all patients in one place', set => set.pooled);
    line('mean of single hospitals', set => set.local_mean);
    for (const site of names('local')) line(`${site} alone`, set => set.local?.[site], true);
    line('Cox, stratified by site', set => set.cox);
    for (const list of names('reduced')) line(`${list.replaceAll(',', ', ')} alone, pooled`, set => set.reduced?.[list]);
    line('federated, pairs within hospitals', set => set.federated_within);
  });

  const networkTable = () => figureTable('network', report.network ?? {}, (line, names) => {
    line('federated', set => set.federated);
    line('pooled: all patients in one place', set => set.pooled);
    line('mean of single hospitals', set => set.local_mean);
    line('the linear model, on the same folds', set => set.linear);
    for (const modality of names('without')) line(`tested without ${modality}`, set => set.without?.[modality], true);
  });

  function modalityTable() {
    const sites = Object.entries(report.modalities ?? {});
    if (!sites.length) return hide('modalities');
    const names = Object.keys(sites[0][1].have);
    const table = element('table');
    table.append(row(['', 'patients', ...names], 'th'));
    for (const [site, { patients, have }] of sites) table.append(row([site, patients, ...names.map(name => have[name] || '–')]));
    place('modalities', '.scroll').append(table);
  }

  function picture() {
    if (!report.picture_png_hex) return hide('picture');
    const image = element('img');
    const bytes = report.picture_png_hex.match(/../g).map(pair => String.fromCharCode(parseInt(pair, 16))).join('');
    image.src = `data:image/png;base64,${btoa(bytes)}`;
    image.alt = 'slices of one visit after the imaging chain, and before the bias was corrected';
    place('picture', '.scroll').append(image);
  }

  function learningCurve() {
    const trained = rounds.filter(r => r.task === 'train' && isNumber(r.loss));
    if (!trained.length) return hide('learning');
    const blocks = [...new Set(trained.map(r => r.result?.block))];
    const of = block => blocks.length > 1 ? `${block}: ` : '';
    const points = (block, pick) => rounds.filter(r => r.result?.block === block && isNumber(pick(r)))
      .map(r => ({ x: r.round, y: pick(r) }));
    const curves = blocks.flatMap((block, i) => [
      { label: `${of(block)}loss before the round`, data: points(block, r => r.task === 'train' ? r.loss : undefined),
        borderColor: colours[i], backgroundColor: colours[i], pointRadius: 1.5 },
      { label: `${of(block)}concordance within hospitals`, data: points(block, r => r.concordance?.value), yAxisID: 'c',
        borderColor: colours[i + 2], backgroundColor: colours[i + 2], pointRadius: 3 },
    ]).filter(curve => curve.data.length);
    const within = curves.filter(curve => curve.yAxisID === 'c');
    const shown = curves.flatMap(curve => curve.data.map(point => point.x));
    new Chart(place('learning', 'canvas'), {
      type: 'line',
      data: { datasets: curves },
      options: {
        parsing: false,
        clip: false,
        scales: {
          x: axis('round', { type: 'linear', min: Math.min(...shown), max: Math.max(...shown), ticks: { precision: 0 } }),
          y: axis('loss per patient'),
          c: axis("concordance (Harrell's C)", { position: 'right', display: within.length > 0, suggestedMin: 0.5,
            suggestedMax: 1, grid: { drawOnChartArea: false } }),
        },
      },
    });
  }

  function survivalCurves() {
    const groups = report.risk_groups ?? [];
    if (!groups.length) return hide('survival');
    new Chart(place('survival', 'canvas'), {
      type: 'line',
      data: {
        datasets: groups.map((group, i) => ({
          label: `${group.name} (${group.patients} patients, ${group.events} events)`,
          data: group.weeks.map((week, j) => ({ x: week, y: group.survival[j] })),
          stepped: true, pointRadius: 0, borderWidth: 2, borderColor: colours[i], backgroundColor: colours[i],
        })),
      },
      options: {
        parsing: false,
        scales: {
          x: axis('weeks', { type: 'linear', min: 0, max: report.at_risk_weeks.at(-1),
            afterBuildTicks: scale => { scale.ticks = report.at_risk_weeks.map(value => ({ value })); } }),
          y: axis('share alive', { min: 0, max: 1 }),
        },
      },
    });
    const table = element('table');
    table.append(row(['', ...report.at_risk_weeks], 'th'));
    for (const group of groups) table.append(row([group.name, ...group.at_risk]));
    place('survival', '.scroll').append(table);
    const how = report.in_sample ? 'Predicted by the model they trained.' : 'Predicted by models that had not seen the patient.';
    document.getElementById('survival').append(element('p', how, 'quiet'));
  }

  const groupText = group => `predicted ${group.predicted.toFixed(3)}, observed ${
    figureText({ value: group.observed, low: group.low, high: group.high })}, ${group.patients} patients`;

  function calibrationPlots() {
    const horizons = report.calibration ?? [];
    if (!horizons.length) return hide('calibration');
    for (const [key, title] of [['as_trained', 'as trained'], ['recalibrated', 'recalibrated, each fold by the others']]) {
      const of = report.calibration_slope?.[key];
      if (of) document.getElementById('calibration').append(element('p', `Predictions ${title}: slope ${of.slope.toFixed(3)}, ` +
        `integrated Brier score ${of.brier.toFixed(4)} (Kaplan-Meier's ${of.kaplan_meier.toFixed(4)}).`, 'quiet'));
    }
    for (const horizon of horizons) {
      const box = element('div', undefined, 'figure');
      const canvas = element('canvas');
      box.append(canvas);
      place('calibration', '.pair').append(box);
      const points = horizon.groups.map(g => ({ x: g.predicted, y: g.observed }));
      const bars = horizon.groups.filter(g => isNumber(g.low) && isNumber(g.high)).map(g => ({
        data: [{ x: g.predicted, y: g.low }, { x: g.predicted, y: g.high }], showLine: true, pointRadius: 0,
        pointHoverRadius: 0, borderColor: colours[0], borderWidth: 1,
      }));
      new Chart(canvas, {
        type: 'scatter',
        data: {
          datasets: [
            { label: 'groups of patients', data: points, backgroundColor: colours[0], pointRadius: 4 },
            { data: [{ x: 0, y: 0 }, { x: 1, y: 1 }], showLine: true, pointRadius: 0, pointHoverRadius: 0, borderColor: '#9aa7b4',
              borderDash: [4, 4], borderWidth: 1 },
            ...bars,
          ],
        },
        options: {
          plugins: {
            legend: { display: false }, title: { display: true, text: `survival at ${horizon.week} weeks` },
            tooltip: { filter: item => item.datasetIndex === 0, callbacks: { label: item => groupText(horizon.groups[item.dataIndex]) } },
          },
          scales: { x: axis('predicted share alive', { min: 0, max: 1 }), y: axis('observed share alive', { min: 0, max: 1 }) },
        },
      });
    }
  }

  // "1, 3–5" of rising numbers.
  const spans = numbers => {
    const runs = [];
    for (const n of numbers)
      if (runs.at(-1)?.[1] === n - 1) runs.at(-1)[1] = n;
      else runs.push([n, n]);
    return runs.map(([from, to]) => from === to ? from : `${from}–${to}`).join(', ');
  };

  function contributions() {
    const sites = [...new Set(rounds.flatMap(r => [...(r.included ?? []), ...Object.keys(r.sites ?? {})]))].sort();
    if (!sites.length) return hide('contributions');
    const table = element('table', undefined, 'rounds');
    table.append(row(['', ...rounds.map(r => r.round)], 'th'));
    const declined = new Map();  // what a site said: in which rounds
    for (const site of sites) {
      const line = element('tr');
      line.append(element('th', site));
      for (const round of rounds) {
        const inside = (round.included ?? []).includes(site);
        const said = round.sites?.[site];
        line.append(element('td', inside ? '●' : '–', inside ? 'in' : 'out'));
        if (inside || !said) continue;
        const text = `${site} ${[said.outcome ?? said, said.reason].filter(Boolean).join(': ')}`;
        declined.set(text, [...declined.get(text) ?? [], round.round]);
      }
      table.append(line);
    }
    place('contributions', '.scroll').append(table);
    const list = place('contributions', 'ul');
    for (const [text, when] of declined) {
      list.append(element('li', `${text} (${when.length === rounds.length ? 'every round' : `rounds ${spans(when)}`})`));
    }
    for (const failed of report.failed_attempts ?? [])
      list.append(element('li', `round ${failed.round}, attempt ${failed.attempt + 1} failed: ${failed.failure}`, 'out'));
  }

  function traffic() {
    const sites = Object.entries(report.upload_bytes ?? {});
    if (!sites.length) return hide('traffic');
    const table = element('table');
    table.append(row(['', 'sent', 'plain float32', 'ratio'], 'th'));
    for (const [site, bytes] of sites) {
      const ratio = bytes.plain_float32 > 0 ? (bytes.sent / bytes.plain_float32).toFixed(2) : '';
      table.append(row([site, bytes.sent.toLocaleString('en'), bytes.plain_float32.toLocaleString('en'), ratio]));
    }
    place('traffic', '.scroll').append(table);
  }

  function audit() {
    const logs = [['coordinator', report.audit?.coordinator], ...Object.entries(report.audit?.sites ?? {})].filter(([, said]) => said);
    if (!logs.length) return hide('audit');
    const held = logs.filter(([, said]) => said === 'ok').map(([name]) => name);
    if (held.length) place('audit', 'ul').append(element('li', `${held.length} of ${logs.length} hold: ${held.join(', ')}`));
    for (const [name, said] of logs)
      if (said !== 'ok') place('audit', 'ul').append(element('li', `${name}: ${said}`, 'out'));
  }

  // Charts are pictures to a screen reader; what scrolls can be reached with the keyboard.
  function nameParts() {
    for (const section of document.querySelectorAll('section')) {
      const name = section.querySelector('h2').textContent;
      for (const box of section.querySelectorAll('.scroll'))
        Object.assign(box, { tabIndex: 0, role: 'region', ariaLabel: name });
      for (const canvas of section.querySelectorAll('canvas')) Object.assign(canvas, { role: 'img', ariaLabel: name });
    }
  }

  facts();
  concordanceTable();
  networkTable();
  modalityTable();
  picture();
  learningCurve();
  survivalCurves();
  calibrationPlots();
  contributions();
  traffic();
  audit();
  nameParts();
})();
