// Package tui is the screen: views of one timeline.
//
// Everything that is shown is computed from the machine's state at the cursor
// and from the records around it; no panel remembers anything. So the screen is
// a function of the position alone, and going k steps forward and k back brings
// it back to the byte.
//
// A frame is drawn into a grid of cells and becomes a string at the end
// (grid.go). Where panels lie is data (layout.go), so are the keys (keys.go) and
// the styles (theme.go). A panel is a function in a file of its own
// (panel_*.go) that writes with a pen into its rectangle: to add one, write the
// function, give it a row in the table in panel.go and a place in layout.go.
package tui
