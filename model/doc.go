// Package model is the truth that runs are judged by, written without the engine:
// it knows a job's description and what a run shows of itself (lines, positions,
// ids), never operators, tasks or state, so that a bug of theirs can't hide here.
//
//   - [Interpret] says what a job must output.
//   - [CheckMultiset] and [CheckPerKeyOrder] compare output with it.
//   - [CheckCut] and [CheckSources] judge a completed checkpoint.
//   - [CheckProvoked] asks of every trouble what it came from.
//   - [CommitMonitor] follows completion, commits and restores.
//   - [Protocol] follows barriers, snapshots and acknowledgements, rule by rule.
//   - [Buffers] and [Transactions] are what must be given back.
//   - [CheckLinearizable] judges what observers saw of the checkpoint store and of
//     committed output; [SearchLinearizable] does so by search, [Visualize] draws it.
//
// What they check, by number:
//
//	M1  Committed output is the reference's, as a multiset or key by key in order.
//	M2  A channel has one producer and one consumer end in a checkpoint, and
//	    sent = taken + in flight at the consumer + in flight at the producer.
//	M3  In-flight records of a channel follow one another without gap or overlap:
//	    the consumer's from the first it has not taken, the producer's behind
//	    those, up to the last one sent.
//	M4  A source's position is just behind the records it has emitted.
//	M5  Trouble has a fault before it, or a user's function or a configured limit
//	    as its cause. An engine bug is never excused.
//	M6  Completed checkpoint ids grow.
//	M7  A commit belongs to a checkpoint that is complete, or was followed by one
//	    that is; a token belongs to one checkpoint.
//	M8  What is restored is the latest completed checkpoint that can be read, and
//	    no older than any that was committed.
//	M9  What observers see of committed output and of completed checkpoints is
//	    linearizable, partition by partition: see [History].
//
// Checks return what is wrong in words, in a deterministic order, and nothing if
// all is well.
package model
