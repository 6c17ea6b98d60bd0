// Numbers in sentences. In charts and tables the same is written by the formats num0, pct1 and money(currency).

const whole = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 0 });

/** 1,234 */
export const count = (value) => (value === null || value === undefined ? 'unknown' : whole.format(value));

/**
 * 12.3%, and with as many digits as tell something where it is small: 0.021%.
 * @param {number | null} share
 */
export function percent(share, digits = 1) {
	if (share === null || share === undefined) return 'unknown';
	const value = 100 * share;
	const small = value !== 0 && Math.abs(value) < 10 ** -digits;
	return small
		? `${new Intl.NumberFormat('en-GB', { maximumSignificantDigits: 2 }).format(value)}%`
		: `${new Intl.NumberFormat('en-GB', { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value)}%`;
}

/** EUR 1,234; cents below 100. */
export function money(value, currency) {
	if (value === null || value === undefined) return 'unknown';
	const digits = Math.abs(value) < 100 && !Number.isInteger(value) ? 2 : 0;
	return new Intl.NumberFormat('en-GB', {
		style: 'currency',
		currency,
		currencyDisplay: 'code',
		minimumFractionDigits: digits,
		maximumFractionDigits: digits
	})
		.format(value)
		.replace(/\u00a0/g, ' ');
}

/** Format of a chart's axis or a table's column of money. */
export const moneyFormat = (currency) => `"${currency}" #,##0`;

/** one, two and three */
export const list = (words) =>
	words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words[words.length - 1]}`;

/** 1 row, 2 rows */
export const plural = (value, one, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;

/** The row with the highest value of a column; of no rows one without values. */
export const highest = (rows, column) =>
	rows.reduce((one, other) => (other[column] > one[column] ? other : one), rows[0] ?? {});
