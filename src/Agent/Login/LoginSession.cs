using System.Text;
using System.Text.RegularExpressions;
using Hive.Agent.Children;
using Hive.Agent.Drivers;

namespace Hive.Agent.Login;

/// <summary>
/// Runs the tool's own login for the operator: shows its address, passes on the code that the operator pastes, and ends
/// when there are credentials. Neither the code nor anything that looks like a key is logged or shown.
/// </summary>
internal sealed partial class LoginSession(
    ILogin login,
    string folder,
    HarnessReport report,
    LiveEvents live,
    Log log,
    TimeProvider time
)
{
    private const int OutputCharacters = 2000,
        ShownEndCharacters = 500,
        KeptCharacters = 64 * 1024;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(15),
        Grace = TimeSpan.FromSeconds(5),
        BeforeEnter = TimeSpan.FromMilliseconds(200);

    // Wide enough that no address is wrapped.
    private static readonly Dictionary<string, string?> Wide = new()
    {
        ["COLUMNS"] = "4096",
        ["LINES"] = "50",
        ["TERM"] = "xterm-256color",
        ["BROWSER"] = "/bin/false",
    };

    private readonly Lock gate = new();

    // Of the running login only: a code of one login may be part of the next one's address.
    private Secrets codes = new();
    private Child? child;
    private bool terminal;
    private Task running = Task.CompletedTask;

    public bool IsActive => !running.IsCompleted;

    /// <summary>Starts the tool's login, unless one is running.</summary>
    /// <param name="done">Called after its end, even when it failed.</param>
    /// <param name="ct">Cancels it.</param>
    public void Start(Action done, CancellationToken ct)
    {
        lock (gate)
        {
            if (IsActive)
                return;
            running = Task.Run(
                async () =>
                {
                    try
                    {
                        await RunAsync(ct);
                    }
                    catch (Exception e) when (e is not OperationCanceledException)
                    {
                        Failed(e.Message);
                    }
                    finally
                    {
                        child = null;
                    }
                },
                CancellationToken.None
            );
        }

        _ = running.ContinueWith(
            _ => done(),
            CancellationToken.None,
            TaskContinuationOptions.None,
            TaskScheduler.Default
        );
    }

    /// <summary>Passes on the code that the operator pasted.</summary>
    public async Task CodeAsync(string code)
    {
        var to = child;
        code = code.Trim();
        if (to is null || code.Any(char.IsControl) || Address().IsMatch(code))
        {
            live.Note(
                to is null ? "no login is running; start a login first"
                    : Address().IsMatch(code)
                        ? "that is an address, not a code, and was not passed on; paste the whole code from the page, "
                            + "including any part after `#`"
                    : "the code contains control characters; paste it again",
                "warn"
            );
            return;
        }

        // Added before the code is typed, since the terminal or the tool may echo it.
        codes.Add(code);
        try
        {
            await to.Input.WriteAsync(Encoding.UTF8.GetBytes(code));
            await to.Input.FlushAsync();
            if (terminal)
            {
                // A terminal program takes input in one piece for pasted text, including the Enter.
                await Task.Delay(BeforeEnter, time);
            }

            await to.Input.WriteAsync(terminal ? "\r"u8.ToArray() : "\n"u8.ToArray());
            await to.Input.FlushAsync();
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            Failed("the login ended before it got the code; start it again");
        }
    }

    public Task EndedAsync() => running;

    /// <summary>
    /// The address in a terminal's output; a hyperlink's target first, since its text may be wrapped.
    /// </summary>
    internal static string? UrlIn(string output) =>
        Hyperlink().Match(output) is { Success: true } link ? link.Groups[1].Value
        : Url().Match(Plain(output)) is { Success: true } shown ? shown.Groups[1].Value
        : null;

    /// <summary>Removes colours, cursor movements and keys.</summary>
    internal static string Plain(string output)
    {
        var text = Escape().Replace(output, "").Replace('\r', '\n');
        return Key().Replace(text, "…");
    }

    /// <summary>The output without the code that the operator pasted.</summary>
    private static string Shown(string output, Secrets secrets) => secrets.Hide(Plain(output)).Trim();

    private async Task RunAsync(CancellationToken ct)
    {
        var before = login.Fingerprint;
        var secrets = codes = new Secrets();
        var command = InTerminal(login.Command);
        terminal = command != login.Command;
        report.Change(s => s with { Login = new LoginReport() });
        log.Info($"login: {string.Join(' ', login.Command)}");
        await using var started = Child.Start(new ChildStart(command, folder, Wide, Patience), time);
        child = started;
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var output = new StringBuilder();
        var reading = Task.WhenAll(
            ReadAsync(started.Output, output, secrets, over.Token),
            ReadAsync(started.Error, output, secrets, over.Token)
        );
        var changed = ChangedAsync(before, over.Token);
        var tooLong = Task.Delay(Patience, time, over.Token);
        await Task.WhenAny(changed, started.Exited, tooLong);
        if (changed.IsCompletedSuccessfully)
            await Task.WhenAny(started.Exited, Task.Delay(Grace, time, over.Token));
        await started.StopAsync();
        await started.EndGroupAsync();
        await Task.WhenAny(reading, Task.Delay(Grace, time, over.Token));
        await over.CancelAsync();
        ct.ThrowIfCancellationRequested();
        if (login.Fingerprint is { } now && now != before)
        {
            log.Info("logged in");
            live.Note("logged in");
            report.Change(s => s with { Login = null });
            return;
        }

        string said;
        lock (gate)
            said = Shown(output.ToString(), secrets);
        var end = WireText.Cut(said[^Math.Min(said.Length, ShownEndCharacters)..], ShownEndCharacters);
        Failed(
            tooLong.IsCompletedSuccessfully
                ? "the login was not finished within 15 minutes; start it again"
                : $"the login ended without credentials{(end.Length > 0 ? $": {end}" : "")}"
        );
    }

    // A login that asks for a code may need a terminal: script(1) provides one, without echo.
    private static IReadOnlyList<string> InTerminal(IReadOnlyList<string> command)
    {
        if (Child.Find("script") is null)
            return command;
        var quoted = string.Join(
            ' ',
            command.Select(part => $"'{part.Replace("'", "'\\''", StringComparison.Ordinal)}'")
        );
        return ["script", "-q", "-e", "-c", $"stty -echo cols 4096 rows 50 2>/dev/null; exec {quoted}", "/dev/null"];
    }

    private async Task ChangedAsync(string? before, CancellationToken ct)
    {
        // The old credentials do not count.
        var watch = new LoginWatch(new WithoutOld(login, before), time);
        await watch.RestoredAsync(ct);
    }

    private async Task ReadAsync(Stream stream, StringBuilder output, Secrets secrets, CancellationToken ct)
    {
        var buffer = new byte[4096];
        var decoder = Encoding.UTF8.GetDecoder();
        var characters = new char[Encoding.UTF8.GetMaxCharCount(buffer.Length)];
        try
        {
            while (await stream.ReadAsync(buffer, ct) is > 0 and var read)
            {
                var count = decoder.GetChars(buffer.AsSpan(0, read), characters, flush: false);
                string all;
                lock (gate)
                {
                    if (output.Length < KeptCharacters)
                        output.Append(characters, 0, count);
                    all = output.ToString();
                }

                var plain = Shown(all, secrets);
                var url = UrlIn(all) is { } found && secrets.Hide(found) == found ? found : null;
                report.Change(s =>
                    s with
                    {
                        Login = new LoginReport(
                            s.Login?.Url ?? url,
                            WireText.Cut(plain[^Math.Min(plain.Length, OutputCharacters)..], OutputCharacters)
                        ),
                    }
                );
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The output has ended.
        }
    }

    private void Failed(string error)
    {
        log.Warn($"login: {error}");
        live.Note($"login: {error}", "error");
        report.Change(s => s with { Login = (s.Login ?? new LoginReport()) with { Error = error } });
    }

    /// <summary>The login, without its old credentials.</summary>
    private sealed class WithoutOld(ILogin login, string? before) : ILogin
    {
        public string? Fingerprint => login.Fingerprint is { } now && now != before ? now : null;

        public string Folder => login.Folder;

        public IReadOnlyList<string> Command => login.Command;
    }

    [GeneratedRegex(@"\u001b\]8;[^;\u0007\u001b]*;(https://[^\u0007\u001b\s]+)(?:\u0007|\u001b\\)")]
    private static partial Regex Hyperlink();

    // With the character after it, so that a partly read address does not match.
    [GeneratedRegex(@"(https://[^\s""'<>]+)[\s""'<>]")]
    private static partial Regex Url();

    [GeneratedRegex(
        @"\u001b(?:\][^\u0007\u001b]*(?:\u0007|\u001b\\)|\[[0-?]*[ -/]*[@-~]|[@-Z\\^_=>])"
            + @"|[\u0000-\u0008\u000b\u000c\u000e-\u001a\u001c-\u001f]"
    )]
    private static partial Regex Escape();

    [GeneratedRegex(@"\Ahttps?://", RegexOptions.IgnoreCase)]
    private static partial Regex Address();

    [GeneratedRegex(@"sk-ant-[A-Za-z0-9_-]+")]
    private static partial Regex Key();
}
