package scenarios

// A point is a state that fault tolerance must come through. A sweep counts in how
// many runs each was reached.
type point int

// The points, in the order in which they are printed.
const (
	workerCrash point = iota
	masterCrash
	twoDown
	machineLoss
	crashLocating
	crashCollecting
	crashSealing
	crashUncommitted
	crashCommitting
	crashDeploying
	crashRestoring
	crashWaiting
	crashEnded
	crashBeforeFirst
	crashTwice
	timedOut
	cameBack
	restored
	restoredNothing
	restoredTwice
	restoredFinal
	restoredPartlyEnded
	restoredInFlight
	sealedFound
	sealedLost
	expired
	declined
	abortedCollecting
	partlyEnded
	overtookOutput
	overtookInput
	capturedLater
	blocked
	passedBarrier
	lateAck
	staleMessage
	orphanRemoved
	recommitted
	committedLate
	edgeLocal
	edgeRemote
	edgeMixed
	damagedFound
	noteAlone
	damagedLate
	damageUnread
	fellBack
	failedAsPromised
	switchedHalfway
	switchedAnnounced
	switchedByOther
	alignedInTime
	overtookLater
	overtookOutputLater
	restoredSwitched
	pointCount
)

// pointInfo describes a point, and says in which modes it can't be reached and why.
type pointInfo struct {
	name, what string
	never      map[Mode]string
}

// onlyUnaligned is why other modes have no data in flight in their checkpoints.
var onlyUnaligned = map[Mode]string{
	Aligned:     "the barrier waits until the data before it has been taken",
	AtLeastOnce: "the snapshot waits until the data before each barrier has been taken",
}

// noTimeout is why alignments are switched in one mode only.
var noTimeout = map[Mode]string{
	Aligned: "no barrier overtakes", AtLeastOnce: "no barrier overtakes", Unaligned: "the first barrier overtakes, no channel waits",
}

// slotsShared is why each edge has a local channel.
const slotsShared = "a slot holds a subtask of each operator, so that those of one number share a node"

// exactlyOnceFails is why only at least once falls back.
const exactlyOnceFails = "the newest one's output may be committed: the job fails"

var points = [pointCount]pointInfo{
	workerCrash:         {"crash of a worker", "a process or machine that runs a TaskExecutor ends", nil},
	masterCrash:         {"crash of the JobManager", "its process or machine ends", nil},
	twoDown:             {"two nodes down at once", "a node crashes while another is away", nil},
	machineLoss:         {"machine crash that lost unsynced data", "writes or directory entries that were not synced are gone", nil},
	crashLocating:       {"crash before a checkpoint is triggered", "the JobManager, which runs the job, has none under way: it waits or makes a directory", nil},
	crashCollecting:     {"crash between trigger and last ack", "of a worker or the JobManager", nil},
	crashSealing:        {"crash between last ack and metadata durable", "the storage alone knows whether the checkpoint is complete", nil},
	crashUncommitted:    {"crash between completion and first commit", "the checkpoint owns output that no sink has committed", nil},
	crashCommitting:     {"crash between first and last commit", "a part of a checkpoint's output is committed", nil},
	crashDeploying:      {"crash while deploying", "an attempt that restores nothing does not run yet", nil},
	crashRestoring:      {"crash while restoring", "an attempt that restores a checkpoint does not run yet", nil},
	crashWaiting:        {"crash before redeployment", "the job has failed and is not deployed again yet", nil},
	crashEnded:          {"crash after all tasks have ended", "only the final checkpoint and its commits are missing", nil},
	crashBeforeFirst:    {"crash before the first checkpoint completed", "there is nothing to restore", nil},
	crashTwice:          {"two crashes without a completed checkpoint between", "the second hits the recovery from the first, or its progress", nil},
	timedOut:            {"worker lost by its heartbeat", "no heartbeat came for the time-out", nil},
	cameBack:            {"worker started again before it was missed", "the new process's heartbeat comes within the time-out of the old one", nil},
	restored:            {"restore of a checkpoint", "an attempt starts from a completed checkpoint", nil},
	restoredNothing:     {"restart from nothing", "an attempt after the first starts without a checkpoint", nil},
	restoredTwice:       {"restore of the same checkpoint twice", "two attempts start from it", nil},
	restoredFinal:       {"restore of a final checkpoint", "all its tasks had ended", nil},
	restoredPartlyEnded: {"restore of a checkpoint with ended tasks", "some of its tasks had ended, others not", nil},
	restoredInFlight:    {"restore of in-flight data", "a task takes over bytes that were in flight", onlyUnaligned},
	sealedFound:         {"checkpoint found complete after a crash", "its metadata was durable before anyone was told", nil},
	sealedLost:          {"checkpoint found incomplete after a crash while sealing", "an older one, or none, is restored", nil},
	expired:             {"checkpoint expired", "it took longer than the time-out", nil},
	declined:            {"checkpoint declined", "a task gave it up", nil},
	abortedCollecting:   {"checkpoint aborted while collecting", "some tasks had taken their part of it, or were about to", nil},
	partlyEnded:         {"checkpoint with ended tasks", "some of its tasks had ended, others not", nil},
	overtookOutput:      {"barrier overtook data in an output queue", "the producer's share of in-flight data", onlyUnaligned},
	overtookInput:       {"barrier overtook data in an input queue", "what had arrived on the barrier's own channel", onlyUnaligned},
	capturedLater:       {"data captured after the snapshot until the barrier", "on a channel whose barrier came after the snapshot", onlyUnaligned},
	blocked: {"channel blocked by alignment", "another channel's barrier comes while it waits", map[Mode]string{
		Unaligned: "no channel waits", AtLeastOnce: "no channel waits"}},
	passedBarrier: {"record behind a barrier taken before the snapshot", "a channel whose barrier was there went on", map[Mode]string{
		Aligned: "the channel waits", Unaligned: "the snapshot is taken at the first barrier", Timeout: "the channel waits, to the end of a switched alignment, too"}},
	lateAck:       {"late ack dropped", "of a checkpoint that is over, in the same attempt", nil},
	staleMessage:  {"stale attempt's message dropped", "by the JobManager or a TaskExecutor", nil},
	orphanRemoved: {"orphan removed", "a sink removes output that no checkpoint owns", nil},
	recommitted:   {"committed on recovery", "a sink commits what its checkpoint owns before it runs", nil},
	committedLate: {"commit of a checkpoint after a later one was triggered", "the notification or the commit was slow", nil},
	edgeLocal:     {"all channels of an edge local", "producers and consumers share nodes", nil},
	edgeRemote: {"all channels of an edge remote", "no producer shares a node with its consumer", map[Mode]string{
		Aligned: slotsShared, AtLeastOnce: slotsShared, Unaligned: slotsShared, Timeout: slotsShared}},
	damagedFound: {"damaged newest checkpoint found at recovery", "a fault had damaged a file of it", nil},
	noteAlone:    {"note without its checkpoint", "the newest checkpoint's metadata is gone, and a note says that it was complete", nil},
	damagedLate:  {"damage between check and restore", "recovery read the file whole, and the task that restores it finds it damaged", nil},
	damageUnread: {"damage that no recovery read", "the job finished with a damaged checkpoint that it passed by", nil},
	fellBack: {"older checkpoint restored than the newest", "or none, since what is newer is damaged", map[Mode]string{
		Aligned: exactlyOnceFails, Unaligned: exactlyOnceFails, Timeout: exactlyOnceFails}},
	failedAsPromised: {"job failed for damage", "it named the file and the newest checkpoint that is left", map[Mode]string{
		AtLeastOnce: "it goes on from an older checkpoint"}},
	switchedHalfway:     {"timeout switched an alignment half-way", "some channels were blocked, the barriers of others had not been taken", noTimeout},
	switchedAnnounced:   {"timeout before any barrier was taken", "those that had come were known, and waited behind data", noTimeout},
	switchedByOther:     {"alignment switched by a barrier that had overtaken", "it came before the task's own timer was due", noTimeout},
	alignedInTime:       {"alignment of several channels ended before its timeout", "no barrier overtook in the task", noTimeout},
	overtookLater:       {"waiting barrier overtook data in an input queue", "when the alignment was switched, or later", noTimeout},
	overtookOutputLater: {"waiting barrier overtook data in an output queue", "the producer's timer was due before the barrier was on the wire", noTimeout},
	restoredSwitched:    {"restore of a checkpoint whose alignment was switched", "in some task, not necessarily in all", noTimeout},
	edgeMixed:           {"local and remote channels in one edge", "some producers share a node with a consumer", nil},
}
