using System.Globalization;
using Hive.Common.Errors;
using YamlDotNet.Core;

namespace Hive.Common.Yaml;

/// <summary>A place in a file, both counted from 1.</summary>
/// <param name="Line">The line.</param>
/// <param name="Column">The column.</param>
public readonly record struct YamlMark(long Line, long Column)
{
    internal static YamlMark Of(Mark mark) => new(mark.Line, mark.Column);

    /// <inheritdoc />
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"line {Line}, column {Column}");
}

/// <summary>Something to know about a file that was read.</summary>
/// <param name="Line">The line, from 1.</param>
/// <param name="Column">The column, from 1.</param>
/// <param name="Text">What it is.</param>
public sealed record YamlWarning(long Line, long Column, string Text);

/// <summary>Collects what is wrong with a file, so that one error tells all of it.</summary>
public sealed class YamlFaults
{
    /// <summary>The most faults that are told.</summary>
    public const int Most = 20;

    private readonly List<(YamlMark At, string Text)> faults = [];
    private readonly List<YamlWarning> warnings = [];

    /// <summary>True when something is wrong.</summary>
    public bool Any => faults.Count > 0;

    /// <summary>The warnings, from the top.</summary>
    public IReadOnlyList<YamlWarning> Warnings => [.. warnings.Distinct().OrderBy(w => w.Line).ThenBy(w => w.Column)];

    /// <summary>Adds something wrong.</summary>
    public void Add(YamlMark at, string text) => faults.Add((at, text));

    /// <summary>Adds something to know.</summary>
    public void Warn(YamlMark at, string text) => warnings.Add(new YamlWarning(at.Line, at.Column, text));

    /// <summary>Reads a value; when that fails, the fault is added, and the value is the default of its type.</summary>
    public T? Try<T>(Func<T?> read)
    {
        try
        {
            return read();
        }
        catch (YamlFaultException e)
        {
            Add(e.At, e.Message);
            return default;
        }
    }

    /// <summary>The error that tells the faults, the lowest line first.</summary>
    public Problem ToProblem()
    {
        string[] told =
        [
            .. faults
                .Distinct()
                .OrderBy(f => f.At.Line)
                .ThenBy(f => f.At.Column)
                .ThenBy(f => f.Text, StringComparer.Ordinal)
                .Select(f => $"{f.At}: {f.Text}"),
        ];
        return Problem.Invalid(
            string.Join(
                '\n',
                told.Length <= Most
                    ? told
                    :
                    [
                        .. told.Take(Most),
                        string.Create(CultureInfo.InvariantCulture, $"and {told.Length - Most} more"),
                    ]
            )
        );
    }
}

/// <summary>How large a file, its texts and its lists may be.</summary>
/// <param name="MaxBytes">The largest file.</param>
/// <param name="MaxText">The longest text, in characters.</param>
/// <param name="MaxEntries">The most entries of one list or mapping.</param>
/// <param name="MaxDepth">The deepest nesting.</param>
public sealed record YamlLimits(
    int MaxBytes,
    int MaxText = StrictYaml.MaxText,
    int MaxEntries = StrictYaml.MaxEntries,
    int MaxDepth = StrictYaml.MaxDepth
);

/// <summary>A fault of a file whose faults are collected.</summary>
internal sealed class YamlFaultException(YamlMark at, string what) : Exception(what)
{
    public YamlMark At => at;
}

/// <summary>One reading of a file: how errors name it, its limits, and where its faults are collected.</summary>
internal sealed record YamlReading(string Label, YamlLimits Limits, YamlFaults? Faults)
{
    public Exception At(Mark at, string what, Exception? inner = null) =>
        Faults is null
            ? Problem.Invalid(StrictYaml.Located(Label, at, what), inner)
            : new YamlFaultException(YamlMark.Of(at), what);
}
