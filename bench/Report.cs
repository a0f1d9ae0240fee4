using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hive.Benchmarks;

/// <summary>Prints figures as Markdown, and keeps them for the JSON file.</summary>
internal sealed class Report(TextWriter output, TextWriter progress)
{
    public static JsonSerializerOptions Json { get; } =
        new()
        {
            PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
            WriteIndented = true,
            NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        };

    public List<Entry> Entries { get; } = [];

    public int Problems { get; private set; }

    public void Title(string title) => output.WriteLine($"\n## {title}\n");

    public void Line(string line) => output.WriteLine(line);

    public void Progress(string line) => progress.WriteLine(line);

    public void Keep(string figure, object value) => Entries.Add(new Entry(figure, value));

    public void Problem(string what)
    {
        Problems++;
        Entries.Add(new Entry("problem", what));
        output.WriteLine($"PROBLEM: {what}");
    }

    public static string Number(double value) => value.ToString("#,0", CultureInfo.InvariantCulture);

    public static string Fraction(double value) => value.ToString("0.00", CultureInfo.InvariantCulture);

    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    /// <summary>The value that <paramref name="share"/> of all values do not exceed (nearest rank).</summary>
    public static double Percentile(IEnumerable<double> values, double share)
    {
        double[] sorted = [.. values.Order()];
        return sorted[Math.Clamp((int)Math.Ceiling(share * sorted.Length) - 1, 0, sorted.Length - 1)];
    }

    internal sealed record Entry(string Figure, object Value);
}
