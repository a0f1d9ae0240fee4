using System.Globalization;

namespace Hive.Agent;

/// <summary>
/// One line per event: <c>yyyy-MM-ddTHH:mm:ss.fffZ level text</c>. Never given a body, a token or a prompt.
/// </summary>
internal sealed class Log(TextWriter to, TimeProvider time)
{
    private readonly Lock gate = new();

    public void Info(string text) => Write("info", text);

    public void Warn(string text) => Write("warn", text);

    public void Error(string text) => Write("error", text);

    private void Write(string level, string text)
    {
        var at = time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        // An event is one line, whatever a script or an error text holds.
        var line = $"{at} {level} {text.ReplaceLineEndings(" ")}";
        lock (gate)
        {
            try
            {
                to.WriteLine(line);
                to.Flush();
            }
            catch (IOException)
            {
                // Nobody reads the log any more; the work goes on.
            }
        }
    }
}
