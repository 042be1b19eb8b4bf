package model

import "bytes"

// Lines splits a text as the file source is specified to: a line is ended by '\n',
// which is not part of it, or by the end of the text. No bytes are no line.
func Lines(data []byte) []string {
	var out []string
	for len(data) > 0 {
		line, rest, _ := bytes.Cut(data, []byte{'\n'})
		out = append(out, string(line))
		data = rest
	}
	return out
}

// CountLines counts the lines of a text that have their first byte (their '\n' if
// they are empty) in [start, next). Bounds outside the text mean its ends.
func CountLines(data []byte, start, next int64) int64 {
	start, next = max(start, 0), min(next, int64(len(data)))
	if start >= next {
		return 0
	}
	if start > 0 {
		// A line begins behind each '\n' but one at the end of the text, which
		// next keeps out.
		return int64(bytes.Count(data[start-1:next-1], []byte{'\n'}))
	}
	return 1 + int64(bytes.Count(data[:next-1], []byte{'\n'}))
}

// LinesIn is the lines of a text that have their first byte (their '\n' if they are
// empty) in [start, next), as [CountLines] counts them.
func LinesIn(data []byte, start, next int64) []string {
	start, next = max(start, 0), min(next, int64(len(data)))
	for start > 0 && start < next && data[start-1] != '\n' {
		start++
	}
	var out []string
	for start < next {
		line, _, _ := bytes.Cut(data[start:], []byte{'\n'})
		out = append(out, string(line))
		start += int64(len(line)) + 1
	}
	return out
}
