using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Hive.Features.Making;

/// <summary>Writes the first configuration of an agent from what its creator chose.</summary>
internal static partial class FirstConfiguration
{
    private const string Intro = "# docs/agent-yaml.md explains every key; keys left out have their defaults.\n";
    private const string RoleFile = "role.md";

    private static readonly JsonSerializerOptions Readable = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The files of the configuration, by name.</summary>
    public static Dictionary<string, string> Of(MakeAgent.Command chosen)
    {
        var yaml = new StringBuilder(Intro);
        Dictionary<string, string> files = [];
        if (chosen.Driver is { } driver)
            yaml.Append("driver: ").Append(Scalar(driver)).Append('\n');
        if (chosen.CommandLine is { } command)
            yaml.Append("command: [").AppendJoin(", ", command.Select(Scalar)).Append("]\n");
        if (chosen.Model is { } model)
            yaml.Append("model: ").Append(Scalar(model)).Append('\n');
        if (chosen.Role is { } role)
        {
            yaml.Append("role: ").Append(RoleFile).Append('\n');
            files[RoleFile] = ExampleRoles.TextOf(role);
        }

        if (chosen.Driver == Drivers.Scripted)
            files["script.yaml"] = Resource("starter.yaml");
        files["agent.yaml"] = yaml.ToString();
        return files;
    }

    /// <summary>The files of an agent that takes tasks, without a driver of its own.</summary>
    public static Dictionary<string, string> OfWork(
        string duty,
        IReadOnlyList<string> capabilities,
        int? capacity,
        IReadOnlyList<string> phases,
        IReadOnlyList<string> tags
    )
    {
        var yaml = new StringBuilder(Intro);
        yaml.Append("duty: ").Append(Scalar(duty)).Append('\n');
        AppendList("capabilities", capabilities);
        if (capacity is { } most)
            yaml.Append(CultureInfo.InvariantCulture, $"capacity: {most}\n");
        AppendList("phases", phases);
        AppendList("tags", tags);
        return new() { ["agent.yaml"] = yaml.ToString() };

        void AppendList(string key, IReadOnlyList<string> words)
        {
            if (words.Count > 0)
                yaml.Append(key).Append(": [").AppendJoin(", ", words.Select(Scalar)).Append("]\n");
        }
    }

    /// <summary>The files of a scripted agent with one of Hive's own scripts.</summary>
    public static Dictionary<string, string> Scripted(string script) =>
        new() { ["agent.yaml"] = $"driver: {Drivers.Scripted}\n", ["script.yaml"] = Resource(script) };

    // A string of JSON is a string of YAML.
    private static string Scalar(string text) =>
        Plain().IsMatch(text) ? text : JsonSerializer.Serialize(text, Readable);

    private static string Resource(string name)
    {
        using var stream =
            typeof(FirstConfiguration).Assembly.GetManifestResourceStream($"making/{name}")
            ?? throw new InvalidOperationException($"{name} is missing in this program");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    // Words that YAML takes for a string; `true`, `null` and their like are quoted, and so is everything else.
    [GeneratedRegex(@"\A(?!(true|false|null|yes|no|on|off|y|n)\z)[a-z][a-z0-9-]*\z")]
    private static partial Regex Plain();
}
