/** The two pictures of docs/performance.md, as options of the charting library (ECharts). */
import type { ComparedResult, MemoryResult, Results } from '../../bench/results.ts';

const TEXT = '#333333';
const COLOURS = { source: '#1f5fa8', sourceCpu: '#8db9e8', destination: '#b5520b', destinationCpu: '#f0b27a' };
const FONT = { fontFamily: 'DejaVu Sans, Verdana, Arial, sans-serif', color: TEXT };
const NAMES = ['source, clock', 'source, CPU', 'destination, clock', 'destination, CPU'];

/** A picture: its size in pixels, and the options that ECharts draws. */
export interface Chart {
  width: number;
  height: number;
  option: object;
}

/** Where the figures are from: the machine and the day. */
export function provenance({ date, machine, node, rounds }: Results): string {
  return `${date}, ${machine}, Node ${node}; medians of ${rounds} rounds`;
}

/** The speed of both connectors for each shape of documents, as ratios to the limits (a) and (b). */
export function speeds(results: Results): Chart {
  const { source = [], destination = [] } = results;
  const shapes = source.map(({ documents }) => documents);
  const panel = (at: number, clock: keyof ComparedResult, cpu: keyof ComparedResult, goal: number): object[] => {
    const bars = (name: string, color: string, rows: readonly ComparedResult[], key: keyof ComparedResult) => ({
      type: 'bar',
      name,
      xAxisIndex: at,
      yAxisIndex: at,
      barGap: '10%',
      itemStyle: { color },
      label: {
        show: true,
        position: 'top',
        fontSize: 9,
        color: TEXT,
        formatter: ({ value }: { value: number }) => value.toFixed(at === 0 ? 2 : 1),
      },
      data: shapes.map((shape) => rows.find(({ documents }) => documents === shape)?.[key] ?? null),
    });
    const lines = [
      {
        yAxis: 1,
        lineStyle: { color: TEXT, type: 'solid', width: 1.5 },
        label: { formatter: at === 0 ? '(a)' : '(b)' },
      },
      {
        yAxis: goal,
        lineStyle: { color: '#2e7d32', type: 'dashed', width: 1.5 },
        label: { formatter: `typical:\n≥ ${goal}` },
      },
    ];
    return [
      {
        ...bars('source, clock', COLOURS.source, source, clock),
        markLine: { symbol: 'none', silent: true, label: { position: 'end', fontSize: 11, color: TEXT }, data: lines },
      },
      bars('source, CPU', COLOURS.sourceCpu, source, cpu),
      bars('destination, clock', COLOURS.destination, destination, clock),
      bars('destination, CPU', COLOURS.destinationCpu, destination, cpu),
    ];
  };
  return {
    width: 960,
    height: 420,
    option: {
      ...frame('Speed, as ratios to limits measured in the same run', provenance(results)),
      legend: { bottom: 8, textStyle: FONT, itemGap: 28, data: NAMES },
      grid: grids(),
      xAxis: axes((at) => ({
        type: 'category',
        data: shapes,
        gridIndex: at,
        axisLabel: FONT,
        axisTick: { show: false },
      })),
      yAxis: axes((at) => ({
        type: 'value',
        gridIndex: at,
        min: 0,
        name: at === 0 ? '(a) unread copy = 1' : '(b) parse and stringify = 1',
        nameLocation: 'end',
        nameTextStyle: { ...FONT, align: 'left', fontSize: 12 },
        axisLabel: FONT,
      })),
      series: [...panel(0, 'ofCopy', 'ofCopyCpu', 0.7), ...panel(1, 'overParse', 'overParseCpu', 2.5)],
    },
  };
}

/** Peak memory and requests of both connectors, by the number of documents. */
export function growth(results: Results): Chart {
  const { memory = [] } = results;
  const line = (at: number, name: string, color: string, key: keyof MemoryResult, more: object = {}): object => ({
    type: 'line',
    name,
    xAxisIndex: at,
    yAxisIndex: at,
    symbol: 'circle',
    symbolSize: 7,
    itemStyle: { color },
    lineStyle: { color, width: 2 },
    label: {
      show: true,
      position: at === 0 ? 'top' : 'right',
      fontSize: 9,
      color: TEXT,
      formatter: ({ value }: { value: [number, number] }) => value[1].toLocaleString('en-US'),
    },
    data: memory.map((row) => [row.documents, row[key]]),
    ...more,
  });
  const limit = memory[0]?.limitMiB ?? 256;
  return {
    width: 960,
    height: 400,
    option: {
      ...frame('Peak memory and requests, as tables of typical documents grow', provenance(results)),
      legend: { bottom: 8, textStyle: FONT, itemGap: 28, data: ['source', 'destination'] },
      grid: grids(),
      xAxis: axes((at) => ({
        type: 'log',
        gridIndex: at,
        name: 'documents',
        nameLocation: 'middle',
        nameGap: 26,
        nameTextStyle: FONT,
        axisLabel: { ...FONT, formatter: (value: number) => value.toLocaleString('en-US') },
        splitLine: { show: false },
      })),
      yAxis: axes((at) => ({
        type: at === 0 ? 'value' : 'log',
        gridIndex: at,
        ...(at === 0 ? { min: 0, max: Math.ceil(limit / 100) * 100 } : {}),
        name: at === 0 ? 'MiB' : 'requests',
        nameTextStyle: { ...FONT, align: 'left', fontSize: 12 },
        axisLabel: { ...FONT, formatter: (value: number) => value.toLocaleString('en-US') },
      })),
      series: [
        line(0, 'source', COLOURS.source, 'readMiB', {
          markLine: {
            symbol: 'none',
            silent: true,
            label: { position: 'insideEndTop', fontSize: 11, color: TEXT, formatter: `limit: ${limit} MiB` },
            lineStyle: { color: '#2e7d32', type: 'dashed', width: 1.5 },
            data: [{ yAxis: limit }],
          },
        }),
        line(0, 'destination', COLOURS.destination, 'writeMiB'),
        line(1, 'source', COLOURS.source, 'readRequests'),
        line(1, 'destination', COLOURS.destination, 'writeRequests'),
      ],
    },
  };
}

function frame(title: string, subtitle: string): object {
  return {
    animation: false,
    backgroundColor: '#ffffff',
    textStyle: FONT,
    title: {
      text: title,
      subtext: subtitle,
      left: 16,
      top: 10,
      textStyle: { ...FONT, fontSize: 16, fontWeight: 'bold' },
      subtextStyle: { ...FONT, fontSize: 11 },
    },
  };
}

/** Two panels side by side. */
function grids(): object[] {
  return [
    { left: 56, width: 376, top: 100, bottom: 84 },
    { left: 524, width: 376, top: 100, bottom: 84 },
  ];
}

function axes(axis: (at: number) => object): object[] {
  return [axis(0), axis(1)];
}
