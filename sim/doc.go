// Package sim is a deterministic world: virtual time, one queue of events, one
// tape of choices, one rolling hash. It knows nothing of what runs in it.
//
// What must hold; tests and assertions cite the numbers:
//
//	W1  Events that are scheduled for one moment are executed in the order of (time,
//	    order of scheduling). So are all, unless the strategy picks: then see W7.
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
//	W7  If the strategy picks, an event with a span is executed within it, those of a
//	    chain in the order of scheduling, and the next one is the strategy's choice
//	    from all that may be next: the first of what is scheduled for one moment, and
//	    the first of each chain, if its span begins before any pending one ends. Time
//	    goes on to the beginning of the picked span, if that is not over.
//
// A world is used from one goroutine. After warm-up it allocates nothing per
// event, note or draw.
package sim
