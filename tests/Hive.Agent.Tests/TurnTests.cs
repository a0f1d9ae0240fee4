using Hive.Agent.Drivers;
using Hive.Protocol;

namespace Hive.Agent.Tests;

/// <summary>The ticket that a turn is about, which decides the conversation that it is in.</summary>
public sealed class TurnTests
{
    private const string Assigned = """{"event":"task_assigned","id":12,"ticket":2}""";
    private const string Answered = """{"event":"question_answered","id":7,"answer":"yes"}""";
    private const string Posted = """{"event":"thread_post","thread":5,"ticket":1}""";
    private const string Cancelled = """{"event":"task_cancelled","id":13,"ticket":3}""";

    public static TheoryData<long?, string[]> Turns =>
        new()
        {
            { 2, [Assigned, Answered, Posted, Cancelled] },
            { 4, [Assigned, """{"event":"task_assigned","id":14,"ticket":4}""", Posted] },
            { 7, [Answered, Posted] },
            { 3, [Posted, Cancelled] },
            { 1, [Posted, """{"event":"question_answered","id":8,"answer":"of nobody knows which ticket"}"""] },
            { null, [""" {"event":"task_assigned","ticket":2} in a text""", """{"event":"needs_update"}"""] },
        };

    [Theory]
    [MemberData(nameof(Turns))]
    public void A_turn_is_about_its_newest_task_then_its_answer_then_its_newest_event(long? ticket, string[] events)
    {
        var at = DateTimeOffset.UnixEpoch;
        var turn = new Turn(1, 1, [.. events.Select((body, i) => new Message(i, "system", "alice", body, at, []))]);
        Assert.Equal(ticket, turn.TicketOf(question => question == 7 ? 7 : null));
    }
}
