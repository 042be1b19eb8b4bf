package main

import (
	"io"

	"github.com/weirstream/weir/scenarios"
)

type coverageCommand struct {
	Places   []string `arg:"" name:"dir" help:"Directories that simrun sweep --out made, or coverage files in them."`
	HTML     path     `name:"html" placeholder:"FILE" help:"Where to write a page for a browser."`
	AnyBuild bool     `help:"Merge files of several builds, whose points may differ."`
	JSON     bool     `name:"json" help:"Print one JSON object."`
}

func (c *coverageCommand) execute(stdout, _ io.Writer) (int, error) {
	r, err := scenarios.MergeCoverage(c.Places, c.AnyBuild)
	if err != nil {
		return 0, err
	}
	if c.HTML != "" {
		if err := r.WriteHTML(string(c.HTML)); err != nil {
			return 0, err
		}
	}
	return ok, print(stdout, c.JSON, r, r.Text())
}
