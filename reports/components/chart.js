// What the charts share, where a chart has no setting of its own for it.

import { count } from './format.js';

/** The title of the vertical axis stands beside the axis, because above it the data run into it. */
const yAxis = { nameLocation: 'middle', nameGap: 36, nameTextStyle: { align: 'center', verticalAlign: 'bottom' } };

/** Props of a chart of upright bars. */
export const columns = { leftPadding: 28, echartsOptions: { yAxis } };

/** Props of a chart of bars that lie: their names are wider than their measure says; on a phone its figures are thinned. */
export const bars = { leftPadding: 18, rightPadding: 14, echartsOptions: { xAxis: { axisLabel: { hideOverlap: true } } } };

/** Props of a chart whose horizontal axis ends where its data end. */
export const steps = { leftPadding: 28, rightPadding: 12, echartsOptions: { yAxis, xAxis: { min: 'dataMin', max: 'dataMax' } } };

/** The same, for ends that are no round number. */
export const lines = {
	leftPadding: 28,
	rightPadding: 12,
	echartsOptions: {
		yAxis,
		xAxis: { min: 'dataMin', max: 'dataMax', axisLabel: { showMinLabel: false, showMaxLabel: false } }
	}
};

/** One colour per meaning, from the palette of evidence.config.yaml. */
export const colours = {
	'At Random': '#888888',
	'As Predicted': '#888888',
	'Interval From': '#56b4e9',
	'Interval To': '#56b4e9',
	raises: '#0072b2',
	lowers: '#d55e00',
	mixed: '#888888',
	'customers are frequent': '#0072b2',
	'customers are rare': '#d55e00',
	'customers are as frequent as others': '#767676',
	'converts more than all': '#0072b2',
	'converts less than all': '#d55e00',
	'converts like all, within chance': '#767676',
	'not known': '#767676',
	'Of customers': '#888888',
	'Of spend': '#0072b2',
	'This segment': '#0072b2',
	'The nearest': '#e69f00',
	'The second nearest': '#888888',
	'The others': '#888888',
	reliable: '#0072b2',
	'few rows: uncertain': '#888888',
	'surely among the best five': '#0072b2',
	'place not sure': '#888888'
};

/** Props of a chart of bars that lie and have long names, as segments do: the names are broken into lines. */
export const named = (rows) => ({
	...bars,
	rightPadding: 30,
	chartAreaHeight: 52 * rows.length,
	echartsOptions: { ...bars.echartsOptions, yAxis: { axisLabel: { width: 150, overflow: 'break', interval: 0 } } }
});

/** Props of a map of segments: each bubble bears the number of its segment; what axes mean stands around the chart. */
export const bubbles = (segments) => {
	const numbers = Object.fromEntries(segments.map((segment) => [segment.segment_name, segment.position]));
	// room for bubbles at the border
	const ends = {
		min: ({ min, max }) => min - 0.15 * (max - min || 1),
		max: ({ min, max }) => max + 0.15 * (max - min || 1)
	};
	return {
		xAxisTitle: 'false',
		yAxisTitle: 'false',
		scaleTo: 1.4,
		xAxisLabels: false,
		yAxisLabels: false,
		xGridlines: false,
		yGridlines: false,
		xBaseline: false,
		yBaseline: false,
		seriesOptions: {
			label: { show: true, color: '#ffffff', fontWeight: 'bold', formatter: ({ value }) => `${numbers[value[3]]}` },
			labelLayout: { hideOverlap: false },
			itemStyle: { opacity: 1 },
			tooltip: { formatter: ({ value }) => `${numbers[value[3]]}. ${value[3]}<br>${count(value[2])} members` }
		},
		echartsOptions: { xAxis: ends, yAxis: ends }
	};
};

/** Props of a chart of who moved where: names stand on the bands, on each side of its own, broken into lines. */
const end = (depth, position) => ({ depth, label: { position, width: 145, overflow: 'break', textBorderWidth: 0 } });
export const flows = {
	echartsOptions: { series: [{ left: 0, width: '99%', levels: [end(0, 'right'), end(1, 'left')] }] }
};
