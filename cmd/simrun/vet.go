package main

import (
	"fmt"
	"io"

	"github.com/weirstream/weir/sim/vet"
)

type vetCommand struct {
	Packages []string `arg:"" name:"packages" help:"Packages, as for go vet, such as ./..."`
	Allowed  bool     `help:"Print what a weir:allow comment excuses, too, with the reason."`
	JSON     bool     `name:"json" help:"Print one JSON object."`
}

func (c *vetCommand) execute(stdout, stderr io.Writer) (int, error) {
	r, err := vet.Run(".", c.Packages)
	if err != nil {
		return 0, usage("vet: %w", err)
	}
	if err := print(stdout, c.JSON, r, r.Text(c.Allowed)); err != nil {
		return 0, err
	}
	fmt.Fprintln(stderr, r.Summary())
	if len(r.Findings) > 0 {
		return broken, nil
	}
	return ok, nil
}
