import { useEffect, useRef } from 'preact/hooks';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

export interface ChartProps {
  /** What a reader without eyes is told in its place. */
  label: string;
  x: readonly number[];
  y: readonly (number | null)[];
  yLabel: string;
  /** Whether x is Unix seconds. */
  isTime: boolean;
  kind: 'points' | 'line' | 'bars';
  /** Names of the places on x that are no numbers. */
  names?: readonly string[];
}

const height = 220;

/** One series, drawn anew where its width or the colours change. */
export function Chart(props: ChartProps) {
  const { label, x, y } = props;
  const place = useRef<HTMLDivElement>(null);
  const content = JSON.stringify([props.kind, props.isTime, props.yLabel, props.names, x, y]);
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    let plot: UPlot | undefined;
    const draw = () => {
      plot?.destroy();
      plot = new UPlot(optionsOf(props, element), [[...x], [...y]], element);
    };
    draw();
    const resized = new ResizeObserver(() => plot?.setSize({ width: element.clientWidth, height }));
    resized.observe(element);
    const dark = window.matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', draw);
    return () => {
      resized.disconnect();
      dark.removeEventListener('change', draw);
      plot?.destroy();
    };
  }, [content]);
  return <div ref={place} class="chart" role="img" aria-label={label} />;
}

function optionsOf({ yLabel, isTime, kind, names }: ChartProps, element: HTMLElement): UPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const font = `12px ${style.fontFamily}`;
  const axis = {
    stroke: colour('--quiet'),
    font,
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { stroke: colour('--line'), width: 1 },
  };
  const stroke = colour('--accent');
  const series: UPlot.Series = {
    label: yLabel,
    stroke,
    width: 1.5,
    points: { show: kind === 'points', size: 5, fill: stroke },
  };
  if (kind !== 'line') series.width = kind === 'points' ? 0 : 1;
  if (kind === 'bars' && UPlot.paths.bars !== undefined) {
    series.paths = UPlot.paths.bars({ size: [0.7, 48] });
    series.fill = stroke;
  }
  const xAxis: UPlot.Axis = { ...axis };
  if (isTime) xAxis.values = (_, times, _axis, _space, step) => times.map((at) => formatTick(at, step));
  if (names !== undefined) {
    xAxis.values = (_, places) => places.map((at) => names[at]?.slice(0, 14) ?? '');
    xAxis.grid = { show: false };
    xAxis.incrs = [1, 2, 5, 10, 20, 50, 100];
  }
  return {
    width: element.clientWidth,
    height,
    tzDate: (at) => UPlot.tzDate(new Date(at * 1000), 'UTC'),
    scales: {
      x: { time: isTime },
      y: { range: (_, low, high) => [Math.min(0, low ?? 0), (high || 1) * 1.08] },
    },
    axes: [xAxis, { ...axis, size: 64 }],
    series: [{}, series],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
  };
}

const daySeconds = 86_400;

/** In UTC, as all times of the command line are; a day's first tick names the day. */
function formatTick(at: number, step: number): string {
  const iso = new Date(at * 1000).toISOString();
  if (step >= daySeconds || at % daySeconds === 0) return iso.slice(0, 10);
  return step < 60 ? iso.slice(11, 19) : iso.slice(11, 16);
}
