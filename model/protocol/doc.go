// Package protocol is an executable model of the checkpoint protocol, small enough
// that all its behaviours can be explored: two sources, an operator with two inputs, a
// sink that commits in two phases, and a coordinator.
//
//	source 0 ─▶ [out 0] ═▶ [in 0] ─┐
//	                               ├▶ operator ─▶ [out 2] ═▶ [in 2] ─▶ sink ─▶ committed
//	source 1 ─▶ [out 1] ═▶ [in 1] ─┘
//	     ▲ ▼ triggers, acks, declines, notifications: one queue each way for each task ▲ ▼
//	                            coordinator ─▶ storage
//
// It is written from Flink's rules, not from the engine, with which it shares no code.
// A [State] is a value; an [Action] is one atomic step of one process, of the wire
// between two queues, or of chance. [Explore] takes every action in every state.
//
// What is checked, by the names that [Violation] has:
//
//	exactly-once  no record is committed twice or with a state that had seen it before,
//	              and at the end none is missing
//	at-least-once a record is committed at most once more for each restore that went
//	              back behind it, and at the end none is missing
//	cut           a completed checkpoint has the state of every task, and on each channel
//	              records sent = records taken + records in flight
//	commit        only what a completed checkpoint owns is committed
//	restore       what is restored is no older than what is committed
//	aborted       a checkpoint that was given up never completes
//	blocked       a channel is blocked only while its task aligns
//	progress      whatever is not done can go on without chance having to help, and
//	              nothing goes in circles
package protocol
