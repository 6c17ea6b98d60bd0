// What the charts share, where a chart has no setting of its own for it.

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
	'more than all': '#0072b2',
	'fewer than all': '#d55e00',
	'as all, within chance': '#888888',
	'not known': '#888888',
	'Of customers': '#888888',
	'Of spend': '#0072b2',
	'Of everybody': '#888888',
	'This segment': '#0072b2',
	'The others': '#888888',
	reliable: '#0072b2',
	'few rows: uncertain': '#888888',
	'surely among the best five': '#0072b2',
	'place not sure': '#888888'
};

/** Props of a map of segments: each bubble bears the number of its segment, and the axes have words instead of figures. */
export const bubbles = (segments) => {
	const numbers = Object.fromEntries(segments.map((segment) => [segment.segment_name, segment.position]));
	return {
		leftPadding: 24,
		seriesOptions: {
			label: { show: true, color: '#ffffff', fontWeight: 'bold', formatter: ({ value }) => `${numbers[value[3]]}` },
			labelLayout: { hideOverlap: false },
			itemStyle: { opacity: 0.9 }
		},
		echartsOptions: {
			xAxis: { nameLocation: 'middle', nameGap: 14, nameTextStyle: { align: 'center', overflow: 'break' } },
			yAxis: { nameLocation: 'middle', nameGap: 14, nameTextStyle: { align: 'center', verticalAlign: 'bottom' } }
		}
	};
};

/** Props of a chart of who moved where: names are long, and a phone is narrow. */
export const flows = {
	echartsOptions: { series: [{ left: 0, width: '99%', label: { width: 150, overflow: 'break', position: 'inside' } }] }
};
