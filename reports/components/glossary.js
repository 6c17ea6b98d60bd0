// Every word that the pages use in a sense of its own, once: read by Terms and by the glossary's page.

export const glossary = {
	'95% interval': 'Where the figure would lie for 95 in 100 samples of this size. The wider, the less is known.',
	association:
		'How much one feature says of another, whatever the form of the relation, from 0 (nothing) to 1 (all). Cramér\'s V, with chance taken off.',
	'average precision':
		'Precision averaged over all thresholds at which a further conversion is found. Chance reaches the base rate.',
	'base rate': 'The share of all rows that convert.',
	'Brier score': 'The mean squared distance between probability and outcome. Lower is better.',
	calibration: 'Whether probabilities can be taken at their word: of those given 10%, ten in a hundred convert.',
	'calibration error': 'How far predicted and observed rates lie apart, on average over bins of the score.',
	'chance allowed for': 'A rate drawn towards that of all, the more so the fewer the rows.',
	conversion: 'What the campaign wants to happen: a coupon redeemed, an app installed, a policy bought.',
	'cross-validation':
		'The training rows are split in parts, and each part is predicted by a model that has not seen it.',
	'cumulative gains': 'The share of all conversions reached when the best-scored rows are contacted first.',
	drift: 'Newer rows are spread otherwise than those that the model learnt from.',
	F1: 'The harmonic mean of precision and recall; high only where both are.',
	factor: 'A column that the model goes by. It moves the prediction, which does not prove that it causes the conversion.',
	'false alarm': 'Somebody who is contacted and does not convert.',
	'held out': 'Drawn by lot and left alone, so that the effect of the contact can be measured.',
	index: 'The share of one group in a category divided by that of the others, times 100. 200 means twice as frequent.',
	'later rows': 'Rows of a later time, each predicted by a model that was trained on earlier rows alone, as in use.',
	leak: 'A column that is filled in, or changed, by the outcome that it should predict.',
	lift: 'The conversion rate of a group divided by that of all. 2 means twice the average.',
	'log loss': 'How far the probabilities are from what happened; wrong certainty costs most. Lower is better.',
	'log-odds': 'The scale on which factors add up. +0.7 about doubles the odds.',
	lookalike: 'The probability that a person is a customer rather than one of the general population.',
	'population stability index':
		'How differently newer rows are spread over the bins of the training rows. Under 0.1 is stable, from 0.25 on they have drifted.',
	precision: 'The share of those contacted who convert.',
	probability: 'What the model expects of one row, from 0% to 100%, calibrated on rows that it has not seen.',
	'q-value': 'Of all findings with this q-value or a lower one, about this share is chance.',
	recall: 'The share of all conversions that are among those contacted.',
	'ROC AUC': 'How often a random converter is scored above a random non-converter. 0.5 is chance, 1 is perfect.',
	segment: 'A group of customers who are alike in what they do, found without looking at the outcome.',
	silhouette: 'How clearly segments are set apart: 1 is far apart, 0 is one in the other.',
	stability: 'How alike the segments come out when drawn again from other customers: 1 is the same.',
	'standardised difference': 'How far a segment\'s mean is from that of all, in standard deviations. 1 is a clear difference.',
	suppressed: 'Not contacted although the score says so: no consent, contacted lately, or asked to be left alone.',
	'test rows': 'Set aside before any model was trained, and used once, to judge it.',
	threshold: 'Whoever is given this probability or a higher one is contacted.'
};

/** Address of a headword on the glossary's page. */
export const slug = (word) => word.toLowerCase().replace(/[^a-z0-9]+/g, '-');

/** Headword, meaning and address; an unknown word stops the build. */
export function define(word) {
	if (!(word in glossary)) throw new Error(`"${word}" is not in components/glossary.js`);
	return { word, meaning: glossary[word], slug: slug(word) };
}
