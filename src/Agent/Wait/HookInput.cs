using System.Globalization;
using System.Text.Json;

namespace Hive.Agent.Wait;

/// <summary>What Claude Code tells a hook: in JSON on standard input, and in its environment.</summary>
/// <param name="WasWoken">The turn that ended was begun by this hook.</param>
/// <param name="MayWait">
/// False in `claude -p`, which does not run hooks in the background: its end would wait for this.
/// </param>
/// <param name="Client">The process to end with.</param>
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
            // Another program's hook, or a person at a terminal.
            return false;
        }
    }
}
