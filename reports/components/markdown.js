// Markdown as the HTML of a page. It may hold names and values of somebody's data: HTML, links and images stay text.

import { Marked, Renderer } from 'marked';

const asText = () => undefined;
const markup = ['html', 'tag', 'link', 'reflink', 'def', 'autolink', 'url'];
const tokenizer = Object.fromEntries(markup.map((rule) => [rule, asText]));

/** Headings can be linked to; a table scrolls sideways within itself and has the name of its heading. */
class PageRenderer extends Renderer {
	heading({ tokens, text, depth }) {
		this.headingId = text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '-');
		return `<h${depth} id="${this.headingId}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
	}

	table(token) {
		const table = super.table(token).replace('<table', `<table aria-labelledby="${this.headingId}"`);
		return `<div class="scrollbox">${table}</div>\n`;
	}
}

/** Every element has the class that Evidence gives to the elements of a page. */
export function toHtml(text) {
	const html = new Marked({ tokenizer }).parse(text, { renderer: new PageRenderer() });
	return html.replace(/<([a-z]\w*)\b(?! class)/g, '<$1 class="markdown"');
}
