using System.CommandLine;
using System.Globalization;
using Hive.Protocol;

namespace Hive.Agent.Wait;

/// <summary>
/// <c>hive-agent wait</c>: ends with 2 once a message is unread, which wakes a client that runs it as a hook
/// (docs/join.md).
/// </summary>
internal static class WaitCommand
{
    /// <summary>A wrong command line: 2 would wake the client, at each of its turns.</summary>
    public const int UsageError = 1;

    public const string Name = "wait";

    private const int Unread = 2,
        Nothing = 0,
        Failed = 1;

    // A month; timers take no more than 49 days.
    private const int LongestSeconds = 31 * 24 * 60 * 60;

    // A client that was woken and left the messages unread is woken for them again after six minutes: each time costs a
    // turn.
    private const int RoundsBeforeTellingAgain = 2;

    public static Command Create()
    {
        var socket = AgentSocket.Option();
        var seconds = new Option<int?>("--seconds")
        {
            Description = "How long to wait, at most. Default: until something is unread.",
            HelpName = "NUMBER",
        };
        seconds.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() is < 0 or > LongestSeconds)
                result.AddError($"--seconds must be 0 to {LongestSeconds}");
        });
        var hook = new Option<bool>("--hook")
        {
            Description =
                "Run as a hook of Claude Code: end with it, at once when another such hook already waits, and do not wait in `claude -p`.",
        };
        const string Help =
            "Wait until a message is unread, without receiving it. "
            + "Exit code 2: unread; 0: the time is up, or the agent is gone; 1: failed.";
        var command = new Command(Name, Help) { socket, seconds, hook };
        command.SetAction(
            (parsed, _) =>
                RunAsync(
                    Path.GetFullPath(parsed.GetValue(socket)!),
                    parsed.GetValue(seconds),
                    parsed.GetValue(hook) ? HookInput.Read() : null
                )
        );
        return command;
    }

    private static async Task<int> RunAsync(string socket, int? seconds, HookInput? hook)
    {
        using var signal = new StopSignal();
        using var end = CancellationTokenSource.CreateLinkedTokenSource(signal.Token);
        var looks = seconds == 0 || hook is { MayWait: false };
        // A model that was told once and leaves the messages must still be able to end `claude -p`.
        if (hook is not null && (looks ? hook.WasWoken : !SoleWaiter.Claim(socket)))
            return Nothing;
        if (hook is not null)
            ClientWatch.Start(hook.Client, end);
        if (seconds > 0)
            end.CancelAfter(TimeSpan.FromSeconds(seconds.Value));
        try
        {
            // Standard error is shown to the client's model, so the connector's log does not go there.
            var silent = new Log(TextWriter.Null, TimeProvider.System);
            var unread = looks
                ? await LookAsync(socket, end.Token)
                : await UnreadAsync(
                    new HostConnector(socket, silent, TimeProvider.System),
                    hook?.WasWoken == true,
                    end.Token
                );
            if (unread is null)
                return Nothing;
            await Console.Error.WriteLineAsync(unread);
            return Unread;
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            return Nothing;
        }
        catch (AgentGoneException e)
        {
            await Console.Out.WriteLineAsync(e.Message);
            return Nothing;
        }
        catch (HiveException e) when (e.Code == "unknown_command")
        {
            await Console.Error.WriteLineAsync(
                $"hive-agent: could not wait at {socket}: the host is older than this hive-agent; update Hive and restart it"
            );
            return Failed;
        }
        catch (Exception e) when (e is HiveException || HostDown.Is(e))
        {
            await Console.Error.WriteLineAsync($"hive-agent: could not wait at {socket}: {HostDown.Reason(e)}");
            return Failed;
        }
    }

    private static async Task<string?> LookAsync(string socket, CancellationToken ct)
    {
        using var line = await LineClient.ConnectAsync(socket, ct);
        var found = await line.CallAsync<Look>(Name, new { wait_seconds = 0 }, ct);
        return found.Ready == 0 ? null : await SentenceAsync(line, found.Ready, ct);
    }

    private static async Task<string> UnreadAsync(HostConnector connector, bool wasWoken, CancellationToken ct)
    {
        // Messages up to this one have been told of; null until that is known.
        long? told = wasWoken ? null : 0;
        var rounds = 0;
        for (var backoff = new Backoff(TimeProvider.System); ; await backoff.WaitAsync(ct))
        {
            using var line = await connector.ConnectAsync("hive-agent-wait", ct);
            try
            {
                told ??= await ToldAsync(line, ct);
                while (true)
                {
                    var found = await line.CallAsync<Look>(
                        Name,
                        new { wait_seconds = Limits.MaxWaitSeconds, after = told },
                        ct
                    );
                    if (found.Newest > told)
                        return await SentenceAsync(line, found.Ready, ct);
                    if (++rounds == RoundsBeforeTellingAgain)
                        told = 0;
                    backoff.Reset();
                }
            }
            catch (Exception e) when (HostDown.Is(e) && !ct.IsCancellationRequested)
            {
                // The host restarts; it is connected to again.
            }
        }
    }

    // What arrived in the turn that is ending was told to nobody. An older host does not know, and all of it has to
    // wait.
    private static async Task<long> ToldAsync(LineClient line, CancellationToken ct)
    {
        var found = await line.CallAsync<Look>(Name, new { wait_seconds = 0 }, ct);
        return found.Told ?? found.Newest ?? 0;
    }

    // With the agent's name: a client may be several agents.
    private static async Task<string> SentenceAsync(LineClient line, int unread, CancellationToken ct)
    {
        var name = (await line.CallAsync("whoami", null, ct)).GetProperty("name").GetString();
        var (messages, them) = unread == 1 ? ("message", "it") : ("messages", "them");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"Hive: {unread} unread {messages} for {name}. Call the recv tool of {name} to receive {them}."
        );
    }

    /// <summary>What the host says about messages that are ready.</summary>
    private sealed record Look(int Ready, long? Newest = null, long? Told = null);
}
