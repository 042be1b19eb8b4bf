package scenarios

import "testing"

// BenchmarkSimulatedEngine runs wordcount in small batches, so that events and not
// records are the cost, with all oracles and the trace hash on.
func BenchmarkSimulatedEngine(b *testing.B) {
	s := wordcount()
	for range b.N {
		input, err := s.DefaultInput()
		if err != nil {
			b.Fatal(err)
		}
		r, err := prepare(RunOptions{Scenario: s.Name, Mode: string(Unaligned), Seed: 2, Input: input})
		if err != nil {
			b.Fatal(err)
		}
		b.ResetTimer()
		var events uint64
		for range 5 {
			rep, _, err := r.execute((*recording)(nil).observe)
			if err != nil || rep.Verdict != Pass {
				b.Fatal(err, rep)
			}
			events += rep.Events
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(events), "ns/event")
		b.ReportMetric(float64(events)/b.Elapsed().Seconds()/1e6, "Mevents/s")
		b.ReportMetric(5*float64(len(r.data))/5.7/b.Elapsed().Seconds()/1e6, "Mwords/s")
	}
}
