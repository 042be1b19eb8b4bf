// Package file reads lines from a file and writes part files with two-phase
// commit, over engine/fs.
//
// # Source
//
// [Lines] splits one file into byte ranges when the job starts. The file must not
// be changed while the job lives, except that it may grow: what lies behind its
// size at that time is never read. A line ends before '\n', or at the end of the
// file; "\r\n" leaves the '\r' in the line. "a" and "a\n" are one line, "a\n\n"
// are two, "" is none. Lines are any bytes, of any length; each takes its place in
// memory as a whole. Lines are substrings of the blocks they were read in: clone
// those that are kept for long.
//
//	F1  A line belongs to the split in which its first byte lies.
//	F2  The position of a split is (next, emitted): emitted lines have their first
//	    byte in [start, next), and no other line has. Next is where the next line
//	    begins. It is start while the first line of a split is not looked for
//	    yet, and at or behind the end of a split that is done.
//	F3  At least once after each Open the file is checked to have its recorded
//	    size, also if nothing is left to read.
//
// # Sink
//
// [Sink] writes the records of each checkpoint and subtask into one in-progress
// file, ".tmp-UID-SUBTASK-EPOCH.NUMBER-SEQUENCE", and commits it by renaming it to
// "part-UID-SUBTASK-CHECKPOINT-EPOCH.NUMBER". Both are in one directory, which
// other sinks and subtasks may share. [ReadCommitted] reads what is committed.
//
//	F4  A file's name says who wrote it: operator uid (escaped), subtask, attempt.
//	    No two attempts write the same file, so a zombie can't touch newer data.
//	F5  A file's contents and its entry in the directory are synced before its
//	    committable exists.
//	F6  A commit never replaces a file, and counts only once the directory is
//	    synced. Repeating it changes nothing.
//	F7  Recovery first commits what was restored, then removes the in-progress
//	    files of its own uid and subtask that older attempts left, nothing else.
//
// Two jobs with the same uids must not share a directory: their names collide. A
// commit that finds another job's file under its name fails (F6).
package file
