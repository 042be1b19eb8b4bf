package scenarios

import (
	"context"
	"os"
	"os/signal"
)

// Interrupts gives a channel that is closed when the user interrupts the process, once:
// from then on, and from stop on, an interrupt ends it.
func Interrupts() (done <-chan struct{}, stop func()) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop)
	return ctx.Done(), stop
}
