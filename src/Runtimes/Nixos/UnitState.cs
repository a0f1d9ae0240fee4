using System.Globalization;

namespace Hive.Runtimes.Nixos;

/// <summary>The state of a unit, as <c>systemctl show</c> prints it.</summary>
internal sealed record UnitState(
    string Id = "",
    string ActiveState = "inactive",
    int MainPid = 0,
    string Result = "success",
    int Code = 0,
    int Status = 0
)
{
    /// <summary>The properties to ask for.</summary>
    public const string Properties = "Id,ActiveState,MainPID,Result,ExecMainCode,ExecMainStatus";

    // From waitid(2): CLD_EXITED is 1, the others are signals.
    private const int Exited = 1;

    public bool IsRunning => MainPid > 0 && ActiveState is not ("inactive" or "failed");

    public int ExitCode => Code <= Exited ? Status : 128 + Status;

    /// <summary>Reads a block of lines <c>KEY=VALUE</c>.</summary>
    public static UnitState Parse(string block)
    {
        var values = block
            .Split('\n')
            .Select(line => line.Split('=', 2))
            .Where(pair => pair.Length == 2)
            .ToDictionary(pair => pair[0], pair => pair[1]);
        return new UnitState(
            values.GetValueOrDefault("Id", ""),
            values.GetValueOrDefault("ActiveState", ""),
            Number("MainPID"),
            values.GetValueOrDefault("Result", "success"),
            Number("ExecMainCode"),
            Number("ExecMainStatus")
        );

        int Number(string key) =>
            int.TryParse(values.GetValueOrDefault(key), CultureInfo.InvariantCulture, out var number) ? number : 0;
    }
}
