// What Evidence's components lack for those who use a keyboard or hear a page.

function mend() {
	for (const box of document.querySelectorAll('.scrollbox')) {
		// a table that is wider than the screen scrolls within itself: not without a mouse, unless it takes the focus
		if (box.scrollWidth > box.clientWidth) {
			box.tabIndex = 0;
			box.setAttribute('role', 'group');
			box.setAttribute('aria-label', 'Table that scrolls sideways');
		} else {
			box.removeAttribute('tabindex');
		}
	}
}

/** Mends the page now, and again whenever something is shown or the window changes. */
export function keepAccessible() {
	let asked;
	const ask = () => {
		cancelAnimationFrame(asked);
		asked = requestAnimationFrame(mend);
	};
	const observer = new MutationObserver(ask);
	observer.observe(document.body, { childList: true, subtree: true });
	addEventListener('resize', ask);
	ask();
	return () => {
		observer.disconnect();
		removeEventListener('resize', ask);
	};
}
