package faults

import (
	"strings"
	"time"
)

// trigger takes when a fault happens.
func (p *parser) trigger() Trigger {
	const forms = `"from the start", "from 1s to 2s", "at 1s", "on EVENT#N" or "on call OP#N"`
	first := p.word("when it happens, such as from the start,")
	at := p.first
	defer func() { p.first = at }()
	switch first {
	case "from":
		return p.window(forms)
	case "at":
		text := p.word("a time")
		return Trigger{At: p.span(p.first, text)}
	case "on":
		return p.counted(forms)
	}
	p.fail(at, "%q is not when a fault happens: %s", first, forms)
	return Trigger{}
}

// window takes what follows "from".
func (p *parser) window(forms string) Trigger {
	text := p.word("the start, or a time,")
	if text == "the" {
		if w := p.word("start"); w != "start" {
			p.fail(p.first, "%q is not when a fault happens: %s", "from the "+w, forms)
		}
		return Trigger{}
	}
	var t Trigger
	if text != "0s" && text != "0" {
		t.At = p.span(p.first, text)
	}
	if to := p.word("to"); to != "to" {
		p.fail(p.first, "%q follows the first time; it must be to", to)
	}
	until := p.word("the second time")
	if t.Until = p.span(p.first, until); t.Until <= t.At {
		p.fail(p.first, "the window ends at %s, not after it begins", until)
	}
	return t
}

// counted takes what follows "on".
func (p *parser) counted(forms string) Trigger {
	p.skip()
	begin := p.at
	head, ok := p.until('#')
	if !ok {
		p.fail(begin, "no #N follows: which event or call it is, as in \"on completed#2\"")
	}
	var t Trigger
	subject := ""
	what, of, limited := strings.Cut(head, " of ")
	where := begin
	kind, call := strings.CutPrefix(what, "call ")
	if call {
		where += len("call ")
	}
	kind = strings.Join(strings.Fields(kind), " ")
	if limited {
		subject = strings.TrimSpace(of)
		t.Of = p.plain(begin+len([]rune(what))+len(" of "), subject)
	}
	switch {
	case kind == "":
		p.fail(where, "no event or call is named: %s", forms)
	case call:
		t.Call = kind
		p.isKnown(where, "call", kind, p.known.Calls)
	case kind == Change && limited:
		p.fail(where, "changes are not counted for one subject: write \"on change#N\"")
	case kind == Change:
		t.On = kind
	default:
		t.On = kind
		p.isKnown(where, "event", kind, p.known.Events)
		if limited {
			p.isKnown(begin+len([]rune(what))+len(" of "), "subject", t.Of, p.known.Subjects)
		}
	}
	nth, changes, more := strings.Cut(p.word("which one it is"), "+")
	at := p.first
	t.Nth = p.number(at, nth, "which one it is", 1, mostOften)
	if more {
		t.Changes = p.number(at+len(nth)+1, changes, "the changes let pass", 0, mostOften)
	}
	return t
}

func (p *parser) skip() {
	for p.at < len(p.text) && p.text[p.at] == ' ' {
		p.at++
	}
}

// until takes what is up to a character outside of quotes, and the character.
func (p *parser) until(end rune) (string, bool) {
	from, quote := p.at, false
	for i := from; i < len(p.text); i++ {
		switch r := p.text[i]; {
		case r == '\\' && quote:
			i++
		case r == '"':
			quote = !quote
		case r == end && !quote:
			p.at = i + 1
			return string(p.text[from:i]), true
		}
	}
	return "", false
}

// Ends is when a fault that happened at a time is over.
func (f Fault) Ends(at time.Duration) time.Duration {
	if f.When.Until > 0 {
		return f.When.Until
	}
	return at + f.For
}
