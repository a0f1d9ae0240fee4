using System.CommandLine;
using System.Globalization;
using Hive.Protocol;

namespace Hive.Agent.Wait;

/// <summary>
/// <c>hive-agent wait</c>: exits with 2 when a message is unread, which wakes a client that runs it as a hook
/// (docs/join.md).
/// </summary>
internal static class WaitCommand
{
    /// <summary>The exit code of a usage error; 2 would wake the client after each turn.</summary>
    public const int UsageError = 1;

    public const string Name = "wait";

    private const int Unread = 2,
        Nothing = 0,
        Failed = 1;

    // A month; timers take no more than 49 days.
    private const int LongestSeconds = 31 * 24 * 60 * 60;

    // A client that left messages unread is woken for them again after six minutes, since each wake costs a turn.
    private const int RoundsBeforeRepeat = 2;

    public static Command Create()
    {
        var socket = AgentSocket.Option();
        var seconds = new Option<int?>("--seconds")
        {
            Description = "The longest wait. Default: until a message is unread.",
            HelpName = "NUMBER",
        };
        seconds.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() is < 0 or > LongestSeconds)
                result.AddError($"--seconds must be a number from 0 to {LongestSeconds}");
        });
        var hook = new Option<bool>("--hook")
        {
            Description =
                "Run as a hook of Claude Code: end with the client, end at once when another hook waits, and do not "
                + "wait in `claude -p`.",
        };
        const string Help =
            "Wait until a message is unread, without receiving it. "
            + "Exit code 2: a message is unread; 0: the time is up or the agent is gone; 1: failed.";
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
        var isOnce = seconds == 0 || hook is { MayWait: false };
        // After one notice, a model must be able to end `claude -p` with messages unread.
        if (hook is not null && (isOnce ? hook.WasWoken : !SoleWaiter.Claim(socket)))
            return Nothing;
        if (hook is not null)
            ClientWatch.Start(hook.Client, end);
        if (seconds > 0)
            end.CancelAfter(TimeSpan.FromSeconds(seconds.Value));
        try
        {
            // The client shows standard error to its model, so the connector must not log there.
            var silent = new Log(TextWriter.Null, TimeProvider.System);
            var unread = isOnce
                ? await CheckAsync(socket, end.Token)
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
                $"hive-agent: cannot wait at {socket}: the host is older than this hive-agent; update and restart Hive"
            );
            return Failed;
        }
        catch (Exception e) when (e is HiveException || HostDown.Is(e))
        {
            await Console.Error.WriteLineAsync($"hive-agent: cannot wait at {socket}: {HostDown.Reason(e)}");
            return Failed;
        }
    }

    private static async Task<string?> CheckAsync(string socket, CancellationToken ct)
    {
        using var line = await LineClient.ConnectAsync(socket, TimeProvider.System, ct);
        var found = await line.CallAsync<WaitAnswer>(Name, new { wait_seconds = 0 }, ct);
        return found.Ready == 0 ? null : await SentenceAsync(line, found.Ready, ct);
    }

    private static async Task<string> UnreadAsync(HostConnector connector, bool wasWoken, CancellationToken ct)
    {
        // The last message that the client was told about; null until known.
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
                    var found = await line.CallAsync<WaitAnswer>(
                        Name,
                        new { wait_seconds = Limits.MaxWaitSeconds, after = told },
                        ct
                    );
                    if (found.Newest > told)
                        return await SentenceAsync(line, found.Ready, ct);
                    if (++rounds == RoundsBeforeRepeat)
                        told = 0;
                    backoff.Reset();
                }
            }
            catch (Exception e) when (HostDown.Is(e) && !ct.IsCancellationRequested)
            {
                // The host restarts; reconnect.
            }
        }
    }

    // The client was not told about messages that arrived in its last turn. An older host does not report which these
    // are, so they wait.
    private static async Task<long> ToldAsync(LineClient line, CancellationToken ct)
    {
        var found = await line.CallAsync<WaitAnswer>(Name, new { wait_seconds = 0 }, ct);
        return found.Told ?? found.Newest ?? 0;
    }

    // Names the agent, since a client may be several agents.
    private static async Task<string> SentenceAsync(LineClient line, int unread, CancellationToken ct)
    {
        var name = (await line.CallAsync("whoami", null, ct)).GetProperty("name").GetString();
        var (messages, them) = unread == 1 ? ("message", "it") : ("messages", "them");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"Hive: {unread} unread {messages} for {name}. Call the recv tool of {name} to receive {them}."
        );
    }

    /// <summary>The host's answer about unread messages.</summary>
    private sealed record WaitAnswer(int Ready, long? Newest = null, long? Told = null);
}
