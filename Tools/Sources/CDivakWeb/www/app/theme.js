// theme.js - the colour theme, set before the first paint. SPDX-License-Identifier: Apache-2.0
//
// A classic script on purpose: modules run too late, and the page would flash in the wrong theme.
"use strict";

(() => {
    const key = "divak.theme";
    const root = document.documentElement;
    const order = ["system", "light", "dark"];

    function stored() {
        try {
            const value = localStorage.getItem(key);
            return order.includes(value) ? value : "system";
        } catch {
            return "system"; // storage is refused in some private windows
        }
    }

    function apply(theme) {
        if (theme === "system") delete root.dataset.theme;
        else root.dataset.theme = theme;
    }

    apply(stored());

    document.addEventListener("DOMContentLoaded", () => {
        const button = document.getElementById("theme");
        let theme = stored();
        const label = () => {
            const text = `Theme: ${theme === "system" ? "as the system" : theme}`;
            button.setAttribute("aria-label", text);
            button.title = text;
        };
        label();
        button.addEventListener("click", () => {
            // From "system" to the other one of what is seen, so that the first press always changes something.
            const dark = matchMedia("(prefers-color-scheme: dark)").matches;
            const cycle = dark ? ["system", "light", "dark"] : ["system", "dark", "light"];
            theme = cycle[(cycle.indexOf(theme) + 1) % cycle.length];
            apply(theme);
            try {
                localStorage.setItem(key, theme);
            } catch { /* it holds for this page */ }
            label();
            dispatchEvent(new Event("themechange"));
        });
        matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
            dispatchEvent(new Event("themechange"));
        });
    });
})();
