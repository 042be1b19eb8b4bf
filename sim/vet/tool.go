package vet

import (
	"os"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis/unitchecker"
)

// IsTool reports whether a command line is one by which go vet -vettool speaks to its
// tool: it asks for the version or the flags, or names a unit to check.
func IsTool(args []string) bool {
	if len(args) == 0 {
		return false
	}
	last := len(args) - 1
	asks := slices.Contains([]string{"-V=full", "-flags"}, args[0]) && last == 0
	unit := strings.HasSuffix(args[last], ".cfg") && !strings.HasPrefix(args[last], "-")
	return asks || unit && !slices.ContainsFunc(args[:last], func(a string) bool { return !strings.HasPrefix(a, "-") })
}

// Tool answers go vet, by the arguments of the process, and ends the process.
func Tool() {
	unitchecker.Main(Analyzer)
	os.Exit(0)
}
