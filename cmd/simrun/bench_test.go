package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBench(t *testing.T) {
	status, stdout, stderr := simrun("bench", "--list")
	require.Equal(t, ok, status, stderr)
	require.Contains(t, stdout, "slow-consumer ")

	status, stdout, stderr = simrun("bench", "--list", "--json")
	require.Equal(t, ok, status, stderr)
	var list struct {
		Benchmarks []struct{ Name, About string }
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &list))
	require.Equal(t, "world", list.Benchmarks[0].Name)

	status, stdout, stderr = simrun("bench", "fresh", "--json")
	require.Equal(t, ok, status, stderr)
	var report struct {
		Results []struct {
			Name, Unit string
			ComparedTo string `json:"compared_to"`
			Value      float64
			Ratio      float64
		}
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &report))
	require.Len(t, report.Results, 2)
	require.Equal(t, "fresh/cluster", report.Results[1].Name)
	require.Contains(t, stderr, "fresh", "progress")

	status, stdout, stderr = simrun("bench", "fresh")
	require.Equal(t, ok, status, stderr)
	require.Contains(t, stdout, "at most 50 µs")
}
