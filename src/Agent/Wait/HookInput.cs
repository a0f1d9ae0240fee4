using System.Globalization;
using System.Text.Json;

namespace Hive.Agent.Wait;

/// <summary>Reads what Claude Code passes to a hook: JSON on standard input, and its environment.</summary>
/// <param name="WasWoken">Whether this hook began the turn that ended.</param>
/// <param name="MayWait">False in <c>claude -p</c>, which runs hooks in the foreground and could not end.</param>
/// <param name="Client">The process whose end also ends the hook.</param>
internal sealed record HookInput(bool WasWoken, bool MayWait, int Client)
{
    public static HookInput Read() =>
        new(
            IsStopHookActive(Console.In.ReadToEnd()),
            Environment.GetEnvironmentVariable("CLAUDE_CODE_ENTRYPOINT") != "sdk-cli",
            int.TryParse(Environment.GetEnvironmentVariable("CLAUDE_PID"), CultureInfo.InvariantCulture, out var pid)
                ? pid
                : ClientWatch.Parent()
        );

    private static bool IsStopHookActive(string input)
    {
        try
        {
            using var json = JsonDocument.Parse(input);
            return json.RootElement.ValueKind == JsonValueKind.Object
                && json.RootElement.TryGetProperty("stop_hook_active", out var active)
                && active.ValueKind == JsonValueKind.True;
        }
        catch (JsonException)
        {
            // The hook of another program, or a person at a terminal.
            return false;
        }
    }
}
