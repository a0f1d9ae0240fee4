using Hive.Protocol;

namespace Hive.Agent.Serve;

/// <summary>Clears the status text of an earlier driver or a failed start.</summary>
internal sealed class StatusNote(string folder, Log log)
{
    // Never the name of a driver.
    private const string Failed = "";

    private readonly string path = Path.Combine(folder, ".hive-driver");

    /// <summary>Notes the driver, and clears the status text of another one.</summary>
    public async Task BeginAsync(LineClient line, string driver, CancellationToken ct)
    {
        var before = Read();
        if (before == driver)
            return;
        if (before is not null)
            await line.CallAsync("set_status", new { text = "" }, ct);
        Write(driver);
    }

    /// <summary>Sets the status text to the reason of a failed start.</summary>
    public async Task FailAsync(LineClient line, string why, CancellationToken ct)
    {
        await line.CallAsync("set_status", new { text = WireText.Cut(why, Limits.StatusBytes) }, ct);
        Write(Failed);
    }

    private string? Read()
    {
        try
        {
            return File.Exists(path) ? File.ReadAllText(path) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private void Write(string driver)
    {
        try
        {
            File.WriteAllText(path, driver);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.Warn($"{path} could not be written: {e.Message}; a status text of this driver may outlive it");
        }
    }
}
