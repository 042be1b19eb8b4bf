// Package sim is a deterministic world: virtual time, one queue of events, one
// tape of choices, one rolling hash. It knows nothing of what runs in it.
//
// What must hold; tests and assertions cite the numbers:
//
//	W1  Events are executed in the order of (time, order of scheduling).
//	W2  A draw depends on the seed, its point (what decides, and where) and how
//	    often that point was used before, and on nothing else: draws added or
//	    removed at one point leave all others as they were.
//	W3  The hash covers every executed event, note and draw. A run in which one
//	    word of one of them differs, and nothing else, ends with another hash.
//	W4  Worlds share nothing: a seed gives the same hash alone, after other
//	    seeds, and beside them.
//	W5  Time never goes back.
//	W6  Numbers grow by one with each event and note; a cause is a smaller number,
//	    or 0 for what comes from outside.
//
// A world is used from one goroutine. After warm-up it allocates nothing per
// event, note or draw.
package sim
