using System.Globalization;
using System.Reflection;
using System.Text;

namespace Hive.Protocol.Options;

/// <summary>One option: its name in each place where it can be given, and its description.</summary>
public sealed class HiveOption
{
    // From the root to the property itself.
    private readonly PropertyInfo[] path;
    private readonly OptionAttribute about;

    private HiveOption(PropertyInfo[] path, OptionAttribute about)
    {
        (this.path, this.about) = (path, about);
        Key = string.Join(':', path.Select(p => p.Name));
        Flag = "--" + string.Join('-', path.Select(p => Kebab(p.Name)));
        Variable = "HIVE_" + string.Join("__", path.Select(p => p.Name.ToUpperInvariant()));
    }

    /// <summary>All of them, in the order in which they are shown.</summary>
    public static IReadOnlyList<HiveOption> All { get; } = [.. Of(typeof(HiveOptions), [])];

    /// <summary>The key in <c>hive.json</c>, such as <c>Forge:Url</c>; the old spelling of the flag is <c>--</c> and
    /// the key.</summary>
    public string Key { get; }

    /// <summary>The flag of <c>up</c>, such as <c>--forge-url</c>.</summary>
    public string Flag { get; }

    /// <summary>The environment variable, such as <c>HIVE_FORGE__URL</c>.</summary>
    public string Variable { get; }

    /// <summary>The sentence that help and documents show.</summary>
    public string Description => about.Description;

    /// <summary>The form of a value.</summary>
    public OptionKind Kind => about.Kind;

    /// <summary>The values, for <see cref="OptionKind.Choice"/>.</summary>
    public IReadOnlyList<string> Choices => about.Choices;

    /// <summary>The smallest number, for <see cref="OptionKind.Seconds"/> and
    /// <see cref="OptionKind.Decimal"/>.</summary>
    public int Least => about.Least;

    /// <summary>The largest number, for <see cref="OptionKind.Decimal"/>.</summary>
    public int Most => about.Most;

    /// <summary>A value is never repeated in a message, a log or a child's command line.</summary>
    public bool IsSecret => about.Secret;

    /// <summary>The default, in words.</summary>
    public string Default =>
        about.Default
        ?? ValueIn(new HiveOptions()) switch
        {
            bool value => value ? "true" : "false",
            decimal value => value.ToString(CultureInfo.InvariantCulture),
            IEnumerable<string> value when Kind == OptionKind.SecondsList => string.Join(';', value),
            var value => value?.ToString() ?? "none",
        };

    /// <summary>The value that these options have.</summary>
    public object? ValueIn(HiveOptions options) =>
        path.Aggregate((object?)options, (owner, property) => property.GetValue(owner));

    /// <summary>The options with another value of this one.</summary>
    /// <param name="options">The current options.</param>
    /// <param name="value">A text without an <see cref="OptionRules.Fault"/>.</param>
    internal HiveOptions With(HiveOptions options, string value) => (HiveOptions)With(options, path, Converted(value));

    private static object With(object owner, ReadOnlySpan<PropertyInfo> path, object value)
    {
        var copy = Copy(owner);
        path[0].SetValue(copy, path.Length == 1 ? value : With(path[0].GetValue(owner)!, path[1..], value));
        return copy;
    }

    // A record consists of its properties.
    private static object Copy(object owner)
    {
        var copy = Activator.CreateInstance(owner.GetType())!;
        foreach (var property in owner.GetType().GetProperties())
            property.SetValue(copy, property.GetValue(owner));
        return copy;
    }

    private object Converted(string value) =>
        Kind switch
        {
            OptionKind.Switch => OptionRules.IsTrue(value),
            OptionKind.Seconds => int.Parse(value, CultureInfo.InvariantCulture),
            OptionKind.Decimal => decimal.Parse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture),
            OptionKind.Folders or OptionKind.HostNames or OptionKind.SecondsList => OptionRules.Parts(value),
            OptionKind.Choice => Choices.First(c => c.Equals(value, StringComparison.OrdinalIgnoreCase)),
            _ => value,
        };

    private static IEnumerable<HiveOption> Of(Type record, PropertyInfo[] above) =>
        record
            .GetProperties()
            .SelectMany(property =>
                property.GetCustomAttribute<OptionAttribute>() is { } about
                    ? [new HiveOption([.. above, property], about)]
                    : Of(property.PropertyType, [.. above, property])
            );

    private static string Kebab(string name)
    {
        var kebab = new StringBuilder();
        foreach (var c in name)
        {
            if (char.IsUpper(c) && kebab.Length > 0)
                kebab.Append('-');
            kebab.Append(char.ToLowerInvariant(c));
        }

        return kebab.ToString();
    }
}
