// Package search has what strategies are made of that look for the run that fails: the
// order in which places are tried, and choosers of what happens next. It knows nothing
// of what runs in the world.
package search
