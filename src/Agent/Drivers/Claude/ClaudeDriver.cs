using System.Text;
using System.Text.Json.Nodes;
using Hive.Agent.Children;
using Hive.Protocol;

namespace Hive.Agent.Drivers.Claude;

/// <summary>
/// Runs Claude Code for a turn: one run of its program per turn, in the conversation of the turn's ticket
/// (docs/claude-driver.md).
/// </summary>
[Driver("claude")]
internal sealed class ClaudeDriver : IDriver
{
    /// <summary>The longest line of stream-json in bytes.</summary>
    public const int LongestLine = 8 * 1024 * 1024;

    private const string ManagerRole = "manager";

    private static readonly UTF8Encoding Utf8 = new(false);

    private readonly DriverContext context;
    private readonly ClaudeLogin login;
    private readonly ClaudeFiles files;
    private bool newSession;
    private long contextTokens;

    // Used by a compaction between turns; it counts with the next turn.
    private Tally between = new();

    public ClaudeDriver(DriverContext context)
    {
        this.context = context;
        login = new ClaudeLogin(context.Settings);
        files = new ClaudeFiles(context);
    }

    /// <summary>All waiting messages become one turn.</summary>
    public int MaxBatch => Hive.Protocol.Limits.MaxBatch;

    public string? Model { get; set; }

    public ILogin Login => login;

    public string? Missing =>
        ClaudeProgram.Missing(context.Settings.Command is [var program, ..] ? program : "claude", context.StateDir);

    public async Task<TurnOutcome> RunAsync(Turn turn, CancellationToken ct)
    {
        await ChangeTicketAsync(turn, ct);
        var prompt = WakePrompt.Of(turn);
        var used = between;
        between = new Tally();
        var (compacted, loginTried) = (false, false);
        while (true)
        {
            Verdict verdict;
            try
            {
                verdict = await RunAsync(prompt, turn.Id, used, ct);
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested && used.HasRun)
            {
                // The usage until then still counts.
                return TurnOutcome.Cancelled("cancelled") with { Figures = used.ToFigures() };
            }

            switch (verdict.Kind)
            {
                case VerdictKind.Ok:
                    return TurnOutcome.Ok with { Figures = used.ToFigures() };
                case VerdictKind.PromptTooLong when !compacted:
                    compacted = true;
                    context.Live.Note("the conversation is too long; compacting it and retrying the turn", "warn");
                    var compaction = await RunCompactAsync(used, ct);
                    // Temporary failures must not cost the conversation.
                    if (compaction.Kind == VerdictKind.RateLimited)
                        return RateLimited(compaction, used);
                    if (compaction.Kind == VerdictKind.LoginLost)
                        return LoginLost(compaction, used);
                    if (compaction.Kind != VerdictKind.Ok)
                        return StartOver(verdict, used);
                    break;
                case VerdictKind.PromptTooLong:
                    return StartOver(verdict, used);
                case VerdictKind.LoginLost when !loginTried:
                    loginTried = true;
                    context.Live.Note("the tool reports that it is not logged in; retrying the turn", "warn");
                    break;
                case VerdictKind.LoginLost:
                    return LoginLost(verdict, used);
                case VerdictKind.RateLimited:
                    return RateLimited(verdict, used);
                default:
                    return TurnOutcome.Failed(verdict.Note) with { Figures = used.ToFigures() };
            }
        }
    }

    public async Task TidyAsync(CancellationToken ct)
    {
        if (context.Settings.CompactAtTokens == 0 || contextTokens < context.Settings.CompactAtTokens)
            return;
        context.Live.Note(
            $"the conversation has {contextTokens} tokens, more than {context.Settings.CompactAtTokens}; compacting it"
        );
        if (await RunCompactAsync(between, ct) is { Kind: not VerdictKind.Ok } verdict)
            context.Live.Note($"compacting the conversation failed: {verdict.Note}", "warn");
    }

    public async Task<bool> CompactAsync(CancellationToken ct)
    {
        if (await RunCompactAsync(between, ct) is { Kind: not VerdictKind.Ok } verdict)
            context.Live.Note(
                verdict.Kind == VerdictKind.NoConversation
                    ? "no conversation yet"
                    : $"compacting the conversation failed: {verdict.Note}",
                "warn"
            );
        return true;
    }

    public bool NewSession()
    {
        newSession = true;
        Forget();
        return true;
    }

    public ValueTask DisposeAsync()
    {
        files.Dispose();
        return ValueTask.CompletedTask;
    }

    // Not the fault of the messages: they are delivered again, and the attempt does not count.
    private static TurnOutcome LoginLost(Verdict verdict, Tally used) =>
        new("rate_limited", $"login needed: {verdict.Note}")
        {
            LoginLost = true,
            Pause = TimeSpan.Zero,
            Figures = used.ToFigures(),
        };

    private static TurnOutcome RateLimited(Verdict verdict, Tally used) =>
        new("rate_limited", verdict.Note) { Pause = verdict.Pause, Figures = used.ToFigures() };

    // A turn that is about no ticket goes on in the present conversation. The manager has one, since the events that it
    // gets are about the tickets of others.
    private async Task ChangeTicketAsync(Turn turn, CancellationToken ct)
    {
        if (!context.Settings.IsConversationOfTicket || context.Role == ManagerRole)
            return;
        if (turn.TicketOf(files.TicketOfQuestion) is not { } wanted || wanted == files.Ticket)
            return;
        if (files.Ticket is not null)
            files.RememberQuestions(await OpenQuestionsAsync(ct));
        files.ChangeTicket(wanted);
        // The operator asked for a new conversation in the next turn, whichever ticket that is about.
        if (newSession)
            files.Forget();
        contextTokens = 0;
        context.Harness.Change(s => s with { ContextTokens = null });
        var begins = files.Conversation().Count == 0;
        context.Live.Note($"ticket {wanted}: {(begins ? "a new conversation" : "its conversation goes on")}");
    }

    // They are remembered with the ticket, because an answer belongs to the conversation that asked.
    private async Task<IReadOnlyList<long>> OpenQuestionsAsync(CancellationToken ct)
    {
        try
        {
            var answer = await context.Host.CallAsync("loose_ends", new JsonObject(), ct);
            return
            [
                .. answer
                    .GetProperty("items")
                    .EnumerateArray()
                    .Where(i => i.GetProperty("kind").GetString() == "question")
                    .Where(i => !i.TryGetProperty("role", out var role) || role.GetString() == "waits")
                    .Select(i => i.GetProperty("id").GetInt64()),
            ];
        }
        catch (HiveException e)
        {
            context.Log.Warn($"the open questions could not be listed: {e.Message}");
            return [];
        }
    }

    private TurnOutcome StartOver(Verdict verdict, Tally used)
    {
        // Every further turn in this conversation would fail the same way; one about another ticket has its own.
        Forget();
        context.Live.Note("the conversation is still too long; the next turn starts a new one", "error");
        return new TurnOutcome("prompt_too_long", verdict.Note) { Figures = used.ToFigures() };
    }

    private void Forget()
    {
        files.Forget();
        contextTokens = 0;
        context.Harness.Change(s => s with { ContextTokens = null });
    }

    private async Task<Verdict> RunCompactAsync(Tally used, CancellationToken ct)
    {
        if (newSession || files.Conversation().Count == 0)
            return new Verdict(VerdictKind.NoConversation, "no conversation yet");
        var before = context.Harness.Now.State;
        context.Harness.Change(s => s with { State = HarnessState.Compacting });
        try
        {
            var verdict = await RunAsync("/compact", null, used, ct);
            if (verdict.Kind == VerdictKind.Ok)
                contextTokens = 0;
            return verdict;
        }
        finally
        {
            context.Harness.Change(s => s with { State = before });
        }
    }

    /// <summary>Runs the program, and again without a lost conversation or an unknown option that it refuses.</summary>
    private async Task<Verdict> RunAsync(string prompt, long? turn, Tally used, CancellationToken ct)
    {
        var conversation = newSession ? [] : files.Conversation();
        while (true)
        {
            var output = new StreamJson(context.Live, context.Harness, conversation.Count > 0);
            used.Add(output);
            string? remembered = null;
            var start = new ChildStart(
                files.Command(turn, Model ?? context.Settings.Model, conversation),
                context.StateDir,
                files.Environment,
                context.Settings.Quiet
            );
            ChildEnd end;
            try
            {
                end = await Child.RunAsync(
                    start,
                    Utf8.GetBytes(prompt),
                    LongestLine,
                    Take,
                    output.TakeError,
                    context.Time,
                    ct
                );
            }
            catch (ProgramMissingException e)
            {
                return new Verdict(VerdictKind.Failed, e.Message);
            }

            if (output.Started && conversation.Count == 0)
                newSession = false;
            if (output.Last is { } last)
                contextTokens = last.Context;
            var verdict = Verdict.Of(output, end, context.Time.GetUtcNow());
            switch (verdict.Kind)
            {
                case VerdictKind.NoConversation when conversation.Count > 0:
                    conversation = [];
                    break;
                case VerdictKind.UnknownOption when files.LeaveOut(verdict.Note):
                    context.Live.Note($"this version of claude does not know {verdict.Note}; continuing without it");
                    conversation = newSession ? [] : files.Conversation();
                    break;
                case VerdictKind.UnknownOption:
                    return new Verdict(
                        VerdictKind.Failed,
                        $"claude does not know {verdict.Note}; install version 2.1 or later"
                    );
                default:
                    return verdict;
            }

            // Noted at once, so that a conversation is continued even when this process ends first.
            void Take(OutputLine line)
            {
                output.Take(line);
                if (output.Conversation is not { } its || its == remembered)
                    return;
                remembered = its;
                newSession &= conversation.Count > 0;
                files.Remember(its);
            }
        }
    }
}
